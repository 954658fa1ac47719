"""A worker process: trains the runs that its parent sends, until the parent closes the pipe.

The pipe is the lifeline: the system closes the parent's end even if the parent is killed, and a
worker that reads the end of file saves its run's state and leaves. This works on every system, with
every way of starting a process.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from queue import SimpleQueue

from bnexp.plan import Plan
from bnexp.sweep.result import train_quietly

GRACE = 8.0  # seconds an orphan has for its checkpoint


def work(pipe: Connection, command: str, gpu: int) -> None:
    """Train every Plan that arrives and send back its Result; `gpu` is this worker's own."""
    with suppress(AttributeError, PermissionError):
        os.setsid()  # the terminal's Ctrl-C is for the parent, which tells us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox: SimpleQueue[Plan | None] = SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(pipe, inbox, stop), daemon=True).start()
    while (plan := inbox.get()) is not None:
        result = train_quietly(one_thread(plan, gpu), command, stop.is_set)
        with suppress(BrokenPipeError):
            pipe.send(result)


def _listen(pipe: Connection, inbox: "SimpleQueue[Plan | None]", stop: threading.Event) -> None:
    """Take plans off the pipe; `None` asks for the running one to stop."""
    try:
        while True:
            plan = pipe.recv()
            if plan is None:
                stop.set()
            else:
                inbox.put(plan)
    except (EOFError, OSError):
        pass
    except Exception as error:  # a plan that can't be read here: the parent sees us leave
        print(f"bnexp: a worker can't read its run: {error}", file=sys.stderr, flush=True)
    stop.set()
    inbox.put(None)
    time.sleep(GRACE)
    os._exit(1)


def one_thread(plan: Plan, gpu: int | None = None) -> Plan:
    """The plan with one thread, unless it asks for more or runs alone, and one GPU of several."""
    config = plan.config
    threads = config.threads or (None if config.exclusive else 1)
    device = f"cuda:{gpu}" if gpu is not None and config.device == "cuda" else config.device
    return replace(plan, config=config.model_copy(update={"threads": threads, "device": device}))
