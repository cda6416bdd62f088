"""What ends an evaluation on a machine that cannot do it: one line, its status, no traceback."""

import pytest

from head.cli import main
from head.commands import eval as eval_command
from head.engine.known_failures import MORE_MEMORY


@pytest.mark.parametrize('error', [
    RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79 GiB total capacity)\nmore'),
    RuntimeError('[enforce fail at alloc_cpu.cpp:75] . DefaultCPUAllocator: can\'t allocate memory: you tried'),
    RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'),
    RuntimeError('GET was unable to find an engine to execute this computation'),
    MemoryError()])
def test_too_little_memory_while_evaluating(drawn, begun, tmp_path, monkeypatch, capsys, error):
    """In torch's words of both stacks; the trainings' test (`test_failures`) provokes it for real."""

    def detect(model, loader, device):
        raise error

    monkeypatch.setattr(eval_command, 'detect', detect)
    checkpoint = next(path for path in begun.glob('*.pth'))
    assert main(['eval', 'config=head_r18', f'data={drawn}', 'device=cpu', f'checkpoint={checkpoint}',
                 f'work_dir={tmp_path}/eval', 'data.workers_per_gpu=0']) == 3
    device, line = capsys.readouterr().err.strip().splitlines()
    assert device == 'head: computing on the CPU'
    assert 'this machine has not enough memory' in line and line.endswith(MORE_MEMORY)
    assert (str(error).splitlines() or ['MemoryError'])[0] in line


def test_what_is_not_known_stays_what_it_is(drawn, begun, tmp_path, monkeypatch):

    def detect(model, loader, device):
        raise RuntimeError('an assertion of the device')

    monkeypatch.setattr(eval_command, 'detect', detect)
    checkpoint = next(path for path in begun.glob('*.pth'))
    with pytest.raises(RuntimeError, match='an assertion of the device'):
        main(['eval', 'config=head_r18', f'data={drawn}', 'device=cpu', f'checkpoint={checkpoint}',
              f'work_dir={tmp_path}/eval', 'data.workers_per_gpu=0'])
