"""The state that Gradio retains after a response: none of a session, and a bounded number of answers of its queue.

Gradio accepts a request into its queue and responds at once, so `request_limits` counts the request as finished. The
memory of queued requests is bounded by the size of such a body (see `routes`) and by MAX_QUEUED_REQUESTS.
"""

from collections import deque
from copy import copy
from typing import Any

from fastapi import HTTPException
from gradio import Blocks
from gradio.queueing import Queue
from gradio.state_holder import SessionState, StateHolder

from web.texts import BUSY

MAX_QUEUED_REQUESTS = 64  # requests that wait in Gradio's queue

# Answers that wait to be fetched. Twice the length of the queue, so that a waiting request is never the oldest.
MAX_RETAINED_ANSWERS = 2 * MAX_QUEUED_REQUESTS


class StatelessSessions(StateHolder):
    """Gives each request a new session, which ends with the request.

    For up to 10,000 sessions, Gradio's own holder retains the last input and output of each component, such as whole
    drawings. Here no request needs an earlier one, because every request carries all of its data.

    Args:
        blocks: the page.
    """

    def __init__(self, blocks: Blocks):
        super().__init__()
        self.set_blocks(blocks)
        self._empty_session = SessionState(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        session = copy(self._empty_session)  # constructing a SessionState takes milliseconds
        session.blocks_config = copy(self.blocks.default_config)
        session.config_values, session.state_data = {}, {}
        return session


class BoundedQueue(Queue):
    """Gradio's queue with a maximum length: refuses further requests, and deletes answers that no client fetches.

    Args:
        blocks: the page.
    """

    def __init__(self, blocks: Blocks):
        super().__init__(True, blocks.max_threads, 1, None, blocks)
        self.ANALYTICS_MAX_EVENTS = MAX_RETAINED_ANSWERS  # its statistics contain names that clients choose
        self._accepted: deque[tuple[str, str]] = deque()  # (session, event), the oldest first

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        if len(self) >= MAX_QUEUED_REQUESTS:
            raise HTTPException(503, BUSY.format(seconds=1), {"Retry-After": "1"})
        success, event, state = await super().push(body, request, username)
        if success:
            self._accepted.append((body.session_hash, str(event)))
        while len(self._accepted) > MAX_RETAINED_ANSWERS:
            await self._delete_answer(*self._accepted.popleft())
        return success, event, state

    async def _delete_answer(self, session: str, event: str) -> None:
        pending = self.pending_event_ids_session.get(session)
        if pending and event not in pending:
            return  # the answer was fetched, and the session has sent another request since
        await self.clean_events(session_hash=session)
        self.pending_event_ids_session.pop(session, None)
        self.pending_messages_per_session.pop(session, None)
