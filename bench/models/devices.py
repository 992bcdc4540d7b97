"""The devices of a run: one process a device, started by `accelerate launch`; where the model lies."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from accelerate import PartialState
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from transformers import PreTrainedModel

from bench.engine.world import World
from bench.errors import UserError

WAIT = timedelta(hours=6)
"""How long a process waits for another that evaluates."""


def join() -> World:
    """Meet the processes that were started with this one; a world of one if it was started alone.

    UserError if one process sees several accelerators: it can use one only.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    if size == 1 and torch.cuda.device_count() > 1:
        raise UserError(
            f"{torch.cuda.device_count()} accelerators are visible to one process. Start `accelerate launch -m bench "
            "run ...` to use all, or set CUDA_VISIBLE_DEVICES=0 to use one."
        )

    if size > 1 and not dist.is_initialized():
        if cuda:
            torch.cuda.set_device(device())
        # both, because what is counted lies in the processor's memory
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=WAIT)
        PartialState(cpu=not cuda)

    return World.now()


def device() -> torch.device:
    """The device of this process."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def memory() -> int | None:
    """Bytes of this process's accelerator, None on a processor."""
    return torch.cuda.get_device_properties(device()).total_memory if torch.cuda.is_available() else None


def accelerator() -> str | None:
    """The accelerator's model, None on a processor."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def place(model: PreTrainedModel, shard: bool) -> None:
    """Move the model to this process's device; with `shard`, keep only a part of every parameter there (FSDP2)."""
    model.to(device())
    if not shard:
        return
    if World.now().size == 1:
        raise UserError("shard=true needs several processes: start with `accelerate launch -m bench run ...`.")

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    for part in (*base.get_decoder().layers, model):
        fully_shard(part)
    if base is not model:  # generation goes past the adapters' outer module, which holds what is in no layer
        register_fsdp_forward_method(model, "generate")
