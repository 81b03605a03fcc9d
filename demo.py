"""The page: write digits on a pad, or show a photo, and see what is read as you go.

    python demo.py                    # opens on http://127.0.0.1:7860
    python demo.py --share            # a public link for a while
    python demo.py --host 0.0.0.0     # for others on the network

It says what is on the page and what happens on an event. The reader is in digits/, the components are in web/.
"""

import argparse
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
from gradio.http_server import LOCALHOST_NAME
from starlette.applications import Starlette

from digits import DigitReader, ImageError, ModelError, Reading, __version__
from digits.classifier import DEFAULT_MODEL
from digits.parallel.cores import ReaderPool
from web.components.answer.answer import CHOSEN_DIGIT, Answer, nothing_yet, problem, read_as
from web.components.code.code import EXAMPLE, code
from web.components.component import parts
from web.components.examples.examples import examples
from web.components.figures.figures import figures
from web.components.files.files import Files
from web.components.pad.pad import Pad
from web.components.steps.steps import HowItSees, pictures
from web.look import LOOK
from web.server.assistants import HAS_ASSISTANTS, JsonAnswer
from web.server.gate import GATE, UNKNOWN
from web.server.headers import with_headers
from web.server.kept import Forgetful, KnownComponents, ShortQueue
from web.server.pile import MAX_FILE
from web.server.preview import PREVIEW
from web.server.served import ROUTES
from web.server.status import STATUS
from web.server.straight import straight_road
from web.server.uploads import UPLOAD, own_folder, swept
from web.source import ImageFile, Page, Source
from web.texts import NO_IMAGE, PREDICT, TITLE, Texts, not_listening, translated

MAX_THREADS = 8  # images read at the same time; more wait
INTERRUPTED = 130  # exit status


def create_demo(reader: DigitReader) -> gr.Blocks:
    """Builds the page on a reader."""

    def read(image: Source, texts: Texts) -> tuple[dict[str, Any], Reading | None]:
        if image is None:
            return nothing_yet(), None
        try:
            reading = reader.read(image)
        except ImageError as error:
            return problem(texts.problem(error)), None
        return read_as(reading, texts), reading

    def see(image: Source, chosen: int) -> dict[str, Any]:
        try:
            stages = reader.stages(image) if image is not None else None
        except ImageError:
            stages = None  # the answer says why
        if stages is None or not 0 <= chosen < len(stages.reading.digits):
            return pictures(stages)
        return pictures(stages, chosen, reader.occlusion(stages.reading.digits[chosen]))

    def read_digits(image: Source) -> dict[str, Any]:
        """Reads an image for a program; assistants are told what stands below.

        Args:
            image: the image itself, as a data: URL such as data:image/png;base64,... No link, and no path.
        """
        if image is None:
            raise gr.Error(NO_IMAGE, print_exception=False)
        try:
            return reader.read(image).to_dict()
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from error

    with Page(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(**parts("heading"))
        with gr.Tabs(elem_classes="rooms", overflow_behavior="wrap"):
            with gr.Tab(translated("page.write")):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(scale=6, min_width=280):
                        pad = Pad(read)
                    with gr.Column(scale=5, min_width=280, elem_classes="reading"):
                        answer = Answer()
                        top_3 = gr.HTML([], elem_classes="top-3", **parts("top3"))
                        bars = gr.HTML({"percents": [], "certain": True}, **parts("bars"))
                how_it_sees = HowItSees(see)
                examples()
            with gr.Tab(translated("files.tab")):
                Files(reader)
            with gr.Tab(translated("figures.tab")):
                figures()
            with gr.Tab(translated("code.tab")):
                code(reader.read(EXAMPLE))
        gr.HTML(__version__, **parts("footer"))

        # The top 3, the bars and the stages follow the answer's chosen digit, in the browser.
        answer.change(None, inputs=[answer, pad], outputs=[top_3, bars, how_it_sees], js=CHOSEN_DIGIT)
        # What is slow only once, on the server and in the browser, is over before the first stroke.
        demo.load(lambda: None, queue=False, show_progress="hidden", api_visibility="private")

        # For programs. No event of the page starts it, and its components aren't shown.
        gr.on(
            [],
            read_digits,
            inputs=ImageFile(label="image", visible=False),
            outputs=JsonAnswer(label="reading", visible=False),
            api_name="predict",
            api_description=f"{PREDICT} Version {__version__}.",
            queue=False,
        )
    demo._queue = ShortQueue(demo)
    demo.blocks = KnownComponents(demo.blocks)
    return demo


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[None]:
    """What the server does from its start to its end, beside answering."""
    async with with_headers(app), swept():
        yield


def port(text: str) -> int:
    """A port as it is typed.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if not 0 < number < 2**16:
        raise ValueError
    return number


def can_listen(host: str, port: int | None) -> bool:
    """Whether there is an address of this machine to listen on; at any port where none is given."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port or 0, type=socket.SOCK_STREAM)[0]
        socket.create_server(address, family=family).close()
    except OSError:
        return False
    return True


def main(arguments: list[str] | None = None, prog: str | None = None) -> int:
    """Opens the page; returns the exit status: 0, 1 where it can't be opened, 130 if stopped before.

    Args:
        arguments: options; None for those of this process.
        prog: the command that help and errors name; None for the name of this process.
    """
    parser = argparse.ArgumentParser(prog=prog, description="Open the page that reads handwritten digits.")
    parser.add_argument("--share", action="store_true", help="make a public link, for up to a week")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, for this machine only)")
    parser.add_argument("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="another digit network than models/digits.onnx")
    args = parser.parse_args(arguments)
    # Gradio would try a hundred ports, each with a traceback, and can't tell this from any other trouble with a file.
    if not can_listen(args.host or LOCALHOST_NAME, args.port):
        print(not_listening(args.host, args.port), file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # containers are stopped so: it ends as with ctrl-C
    try:
        with own_folder():
            reader = DigitReader(args.model)
            demo = create_demo(reader)
            app, _, _ = demo.launch(
                share=args.share,
                server_name=args.host,
                server_port=args.port,
                max_file_size=MAX_FILE,
                max_threads=MAX_THREADS,
                ssr_mode=False,  # the pad draws itself in the browser; a second server would add nothing
                run_history=False,
                enable_monitoring=False,
                mcp_server=HAS_ASSISTANTS,
                prevent_thread_lock=True,
                app_kwargs={
                    "routes": [*ROUTES, UPLOAD, straight_road(reader, ReaderPool(args.model))],
                    "middleware": [GATE, PREVIEW, STATUS],
                    "exception_handlers": UNKNOWN,
                    "lifespan": running,
                },
                **LOOK,
            )
            app.state_holder = Forgetful(demo)
            demo.block_thread()
    except (ModelError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the page was open
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
