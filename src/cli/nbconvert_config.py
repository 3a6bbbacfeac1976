"""Read by nbconvert when it runs notebooks (see run_notebook.ts): waits for what a cell shows after the kernel said that it was idle.

Deno's kernel sends messages at the same time, so that outputs may come after `idle`, and in another order than they were made in. nbclient
stops at `idle` and drops what follows. Here it goes on until nothing has come for a while, and takes the messages in the order of
their dates.
"""

from queue import Empty

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbclient.util import ensure_async

# Seconds without a message after `idle`: late ones have been seen to come within milliseconds.
QUIET = 0.5

if not hasattr(NotebookClient, "_async_poll_output_msg"):
    raise RuntimeError("this version of nbclient collects outputs in another way than those known here (0.5 to 0.10)")


async def collect_outputs(self, parent_msg_id, cell, cell_index):
    messages, idle = [], False
    while True:
        try:
            message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=QUIET if idle else None))
        except Empty:
            break
        if message["parent_header"].get("msg_id") == parent_msg_id:
            messages.append(message)
            idle = idle or message["content"].get("execution_state") == "idle"
    for message in sorted(messages, key=lambda one: one["header"]["date"]):
        try:
            self.process_message(message, cell, cell_index)
        except CellExecutionComplete:
            pass


NotebookClient._async_poll_output_msg = collect_outputs
