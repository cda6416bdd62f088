"""mmcv's runner, with checkpoints that are whole or not there."""

import os

import mmcv
from mmcv.runner import EpochBasedRunner


class Runner(EpochBasedRunner):
    """Writes a checkpoint under a temporary name, to the disk, and only then gives it its own."""

    def save_checkpoint(self, out_dir, filename_tmpl='epoch_{}.pth', save_optimizer=True, meta=None,
                        create_symlink=True):
        """As mmcv's.

        Raises:
            OSError: the disk is full; nothing is left of the attempt.
        """
        final = os.path.join(out_dir, filename_tmpl.format(self.epoch + 1))
        name = f'.writing-{os.path.basename(final)}'
        temporary = os.path.join(out_dir, name)
        try:
            super().save_checkpoint(out_dir, name, save_optimizer, meta, create_symlink=False)
            with open(temporary, 'rb') as file:
                os.fsync(file.fileno())
            os.replace(temporary, final)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
        if create_symlink:
            mmcv.symlink(os.path.basename(final), os.path.join(out_dir, 'latest.pth'))
