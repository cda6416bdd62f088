"""Mean squared error between imitated features."""

from todd.losses import LOSSES
from todd.losses.functional import MSELoss
from torch import Tensor


@LOSSES.register_module()
class FeatureMSELoss(MSELoss):
    """todd's `MSELoss` in float32 that survives an empty input.

    With no row left the mean would be over nothing. The loss is then 0 and still connected to the prediction, because
    a distributed wrapper waits for the adapter's gradient.
    """

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """(n, ...) prediction and target of one shape, n >= 0 -> scalar float32."""
        pred = pred.float()
        if pred.numel() == 0:
            return pred.sum()
        return super().forward(pred, target.float())
