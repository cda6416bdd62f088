"""The C library's allocator, for tensors of tens of megabytes that come and go."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def keep_freed_memory(device):
    """Let freed memory stay with the process, where it computes on the CPU.

    glibc gives every large tensor back to the kernel, which zeroes its pages when the next one takes them: a fifth of
    a training step. Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if device == 'cpu' and mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # never
