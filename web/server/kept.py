"""What Gradio keeps past its answers: of a session nothing, and of its queue no more than is bounded here.

Gradio takes a request into its queue and answers at once, so that the gate sees it leave: what lies there is bounded by
the size of such a body (see `gate`) and by PLACES.
"""

from collections import deque
from copy import copy
from typing import Any

from fastapi import HTTPException
from gradio import Blocks
from gradio.queueing import Queue
from gradio.state_holder import SessionState, StateHolder

from web.texts import BUSY, NO_ENDPOINT

PLACES = 64  # requests that wait in Gradio's queue

# Answers that lie ready for whoever asked. Twice as many as wait: what still waits is never the oldest.
KEPT = 2 * PLACES


class Forgetful(StateHolder):
    """Gives each request a session of its own, which ends with it.

    Gradio's holder keeps of 10,000 sessions what each sent last and was shown: whole drawings. Nothing here is asked of
    a session afterwards, as every request brings all it is about.

    Args:
        blocks: the page.
    """

    def __init__(self, blocks: Blocks):
        super().__init__()
        self.set_blocks(blocks)
        self._blank = SessionState(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        session = copy(self._blank)  # to make one from nothing takes milliseconds
        session.blocks_config = copy(self.blocks.default_config)
        session.config_values, session.state_data = {}, {}
        return session


class KnownComponents(dict):
    """The components of the page by id: 404 for an unknown one, which Gradio looks up as it is and answers with 500."""

    def __missing__(self, component_id: int) -> None:
        raise HTTPException(404, NO_ENDPOINT)


class ShortQueue(Queue):
    """Gradio's queue with an end: it refuses what would wait for too long, and forgets answers that nobody fetches.

    Args:
        blocks: the page.
    """

    def __init__(self, blocks: Blocks):
        super().__init__(True, blocks.max_threads, 1, None, blocks)
        self.ANALYTICS_MAX_EVENTS = KEPT  # its statistics hold names that clients chose
        self._taken: deque[tuple[str, str]] = deque()  # session and event, the oldest first

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        if len(self) >= PLACES:
            raise HTTPException(503, BUSY.format(seconds=1), {"Retry-After": "1"})
        success, event, state = await super().push(body, request, username)
        if success:
            self._taken.append((body.session_hash, event))
        while len(self._taken) > KEPT:
            await self._forget(*self._taken.popleft())
        return success, event, state

    async def _forget(self, session: str, event: str) -> None:
        pending = self.pending_event_ids_session.get(session)
        if pending and event not in pending:
            return  # fetched, and the session has asked again since
        await self.clean_events(session_hash=session)
        self.pending_event_ids_session.pop(session, None)
        self.pending_messages_per_session.pop(session, None)
