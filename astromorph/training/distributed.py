"""One training on several devices or machines, started by torchrun: each process learns from its share of every batch.

All processes draw the same batches; a process keeps the examples rank, rank + size, ... of each, and
DistributedDataParallel averages the gradients, so that a step is that of one process with the whole batch. Only the
leader, rank 0, validates, writes and prints. Without torchrun there is one process, and nothing here does anything.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def join() -> None:
    """Meet the other processes that torchrun started, once, each with a device of its own."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def leads() -> bool:
    """Whether this process writes and prints."""
    return rank() == 0


def wait_for_all() -> None:
    if dist.is_initialized():
        dist.barrier()


@contextmanager
def leader_first() -> Iterator[bool]:
    """The leader runs the block (True) before the others do (False); ValueError there if the leader failed."""
    if not leads():
        try:
            wait_for_all()
        except RuntimeError as error:
            raise ValueError(f"process {rank()} stops, as the first one failed; see what that says") from error
    yield leads()
    if leads():
        wait_for_all()


def shared(model: nn.Module) -> nn.Module:
    """`model` with its gradients averaged over all processes; `model` itself in one process."""
    return DistributedDataParallel(model) if size() > 1 else model


def share(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """This process's examples of a batch; one of them where there are fewer examples than processes."""
    if size() == 1:
        return tensors
    count = len(tensors[0])
    chosen = torch.arange(rank(), count, size()) if rank() < count else torch.zeros(1, dtype=torch.int64)
    return tuple(tensor[chosen] for tensor in tensors)


def weight(count: int) -> float:
    """By what the mean loss over this process's share of `count` examples counts, so that the average over all
    processes is the mean over the batch.
    """
    mine = len(range(rank(), count, size()))
    return mine * size() / count


def total(value: float) -> float:
    """The sum of `value` over all processes."""
    if size() == 1:
        return value
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    summed = torch.tensor(value, dtype=torch.float64, device=device)
    dist.all_reduce(summed)
    return summed.item()
