"""mmcv's runner, with checkpoints that are whole or not there."""

import contextlib
import os

from mmcv.runner import EpochBasedRunner, save_checkpoint

from ..whole_file import written_whole


class Runner(EpochBasedRunner):
    """Writes a checkpoint under a temporary name, to the disk, and only then gives it its own.

    Raises:
        OSError: the disk is full; nothing is left of the attempt.
    """

    def save_checkpoint(self, out_dir, filename_tmpl='epoch_{}.pth', save_optimizer=True, meta=None,
                        create_symlink=True):
        """After an epoch, as mmcv's."""
        path = os.path.join(out_dir, filename_tmpl.format(self.epoch + 1))
        self._save(path, dict(meta or {}, epoch=self.epoch + 1, iter=self.iter), save_optimizer, create_symlink)

    def save_step(self, steps):
        """In the midst of an epoch, after `steps` steps in all: ``iter_STEPS.pth``. Returns its path.

        In its `meta`, `epoch` counts the epochs that are complete.
        """
        path = os.path.join(self.work_dir, f'iter_{steps}.pth')
        self._save(path, dict(epoch=steps // len(self.data_loader), iter=steps))
        return path

    def _save(self, path, meta, save_optimizer=True, link=True):
        with written_whole(path) as temporary:
            save_checkpoint(self.model, temporary, self.optimizer if save_optimizer else None,
                            dict(self.meta or {}, **meta))
        if link:
            latest = os.path.join(os.path.dirname(path), 'latest.pth')
            with contextlib.suppress(FileNotFoundError):
                os.unlink(latest + '.new')
            os.symlink(os.path.basename(path), latest + '.new')
            os.replace(latest + '.new', latest)
