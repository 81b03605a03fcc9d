"""The page: draw digits on a pad or upload a photo, and see at once what is read.

    python demo.py                    # opens on http://127.0.0.1:7860
    python demo.py --share            # a public link for up to a week
    python demo.py --host 0.0.0.0     # for other machines on the network

This module defines what is on the page and what happens on an event. The reader is in digits/, the components are in
web/.
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
from starlette.middleware import Middleware

from digits import DigitReader, ImageError, ModelError, Reading, __version__
from digits.classifier import DEFAULT_MODEL
from digits.parallel.process_pool import ReaderPool
from web.components.answer.answer import SHOW_SELECTED_DIGIT_JS, Answer, empty_answer, problem_answer, reading_answer
from web.components.code.code import EXAMPLE_FILE, create_code
from web.components.component import html_options
from web.components.examples.examples import create_examples
from web.components.figures.figures import create_figures
from web.components.files.files import Files
from web.components.pad.pad import Pad
from web.components.steps.steps import ReadingSteps, step_pictures
from web.image_input import ImageInput, PageBlocks, UploadedImage
from web.server.gradio_errors import EXCEPTION_HANDLERS, ComponentsById, ErrorStatusMiddleware
from web.server.json_api import predict_route
from web.server.link_preview import LinkPreviewMiddleware
from web.server.mcp_tool import HAS_MCP, JsonOutput
from web.server.request_limits import RequestLimitsMiddleware
from web.server.security_headers import add_security_headers
from web.server.session_state import BoundedQueue, StatelessSessions
from web.server.static_files import STATIC_FILE_ROUTES
from web.server.upload_route import UPLOAD_ROUTE, periodic_cleanup, temporary_upload_folder
from web.server.uploaded_files import MAX_FILE_BYTES
from web.texts import NO_IMAGE, PREDICT_DESCRIPTION, TITLE, Texts, cannot_listen_message, translate
from web.theme import THEME_OPTIONS

MAX_EVENT_THREADS = 8  # events of the page that are handled at the same time; more wait
INTERRUPTED_EXIT_STATUS = 130  # of a program that ctrl-C stopped


def create_demo(reader: DigitReader) -> gr.Blocks:
    """Return the page, with a reader that reads its images."""

    def answer_image(image: ImageInput, texts: Texts) -> tuple[dict[str, Any], Reading | None]:
        if image is None:
            return empty_answer(), None
        try:
            reading = reader.read(image)
        except ImageError as error:
            return problem_answer(texts.error_message(error)), None
        return reading_answer(reading, texts), reading

    def show_steps(image: ImageInput, selected: int) -> dict[str, Any]:
        try:
            stages = reader.stages(image) if image is not None else None
        except ImageError:
            stages = None  # the answer shows the reason
        if stages is None or not 0 <= selected < len(stages.reading.digits):
            return step_pictures(stages)
        return step_pictures(stages, selected, reader.occlusion(stages.reading.digits[selected]))

    def read_digits(image: ImageInput) -> dict[str, Any]:
        """Return the JSON of an image's reading; MCP clients see this function's name and the text of its arguments.

        Args:
            image: the image itself, as a data: URL such as data:image/png;base64,... No link, and no path.
        """
        if image is None:
            raise gr.Error(NO_IMAGE, print_exception=False)
        try:
            return reader.read(image).to_dict()
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from error

    with PageBlocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(**html_options("heading"))
        with gr.Tabs(elem_classes="page-tabs", overflow_behavior="wrap"):
            with gr.Tab(translate("page.write")):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(scale=6, min_width=280):
                        pad = Pad(answer_image)
                    with gr.Column(scale=5, min_width=280, elem_classes="reading"):
                        answer = Answer()
                        top_3 = gr.HTML([], elem_classes="top-3", **html_options("top3"))
                        bars = gr.HTML({"percents": [], "certain": True}, **html_options("bars"))
                steps = ReadingSteps(show_steps)
                create_examples()
            with gr.Tab(translate("files.tab")):
                Files(reader)
            with gr.Tab(translate("figures.tab")):
                create_figures()
            with gr.Tab(translate("code.tab")):
                create_code(reader.read(EXAMPLE_FILE))
        gr.HTML(__version__, **html_options("footer"))

        # The browser updates the top 3, the bars and the stages when the selected digit of the answer changes.
        answer.change(None, inputs=[answer, pad], outputs=[top_3, bars, steps], js=SHOW_SELECTED_DIGIT_JS)
        # A first event, because the first one is slow on the server and in the browser: the first stroke need not wait.
        demo.load(lambda: None, queue=False, show_progress="hidden", api_visibility="private")

        # The endpoint for programs. No event of the page triggers it, and its components are not shown.
        gr.on(
            [],
            read_digits,
            inputs=UploadedImage(label="image", visible=False),
            outputs=JsonOutput(label="reading", visible=False),
            api_name="predict",
            api_description=f"{PREDICT_DESCRIPTION} Version {__version__}.",
            queue=False,
        )
    demo._queue = BoundedQueue(demo)
    demo.blocks = ComponentsById(demo.blocks)
    return demo


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Add the security headers, and clean up uploads while the server runs."""
    async with add_security_headers(app), periodic_cleanup():
        yield


def port(text: str) -> int:
    """Parse the value of --port; argparse shows this function's name in its error message.

    Raises:
        ValueError: the text is not a port number.
    """
    number = int(text)
    if not 0 < number < 2**16:
        raise ValueError
    return number


def can_listen(host: str, port: int | None) -> bool:
    """Return whether this machine can listen on an address.

    Args:
        host: name or address, with or without the brackets of IPv6.
        port: None for any free port.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port or 0, type=socket.SOCK_STREAM)[0]
        socket.create_server(address, family=family).close()
    except OSError:
        return False
    return True


def main(arguments: list[str] | None = None, prog: str | None = None) -> int:
    """Open the page and return the exit status: 0, 1 where it can't be opened, 130 where it is stopped before that.

    Args:
        arguments: command-line options; None for those of this process.
        prog: name of the command in help and errors; None for the name of this process.
    """
    parser = argparse.ArgumentParser(prog=prog, description="Open the page that reads handwritten digits.")
    parser.add_argument("--share", action="store_true", help="make a public link, for up to a week")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, for this machine only)")
    parser.add_argument("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="another digit network than models/digits.onnx")
    args = parser.parse_args(arguments)
    # Gradio would try a hundred ports, each with a traceback, and raises the same OSError for problems with files.
    if not can_listen(args.host or LOCALHOST_NAME, args.port):
        print(cannot_listen_message(args.host, args.port), file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # sent when a container is stopped; treated like ctrl-C
    try:
        with temporary_upload_folder():
            reader = DigitReader(args.model)
            demo = create_demo(reader)
            app, _, _ = demo.launch(
                share=args.share,
                server_name=args.host,
                server_port=args.port,
                max_file_size=MAX_FILE_BYTES,
                max_threads=MAX_EVENT_THREADS,
                ssr_mode=False,  # the pad is drawn in the browser, so that server-side rendering has no use
                run_history=False,
                enable_monitoring=False,
                mcp_server=HAS_MCP,
                prevent_thread_lock=True,
                app_kwargs={
                    "routes": [*STATIC_FILE_ROUTES, UPLOAD_ROUTE, predict_route(reader, ReaderPool(args.model))],
                    "middleware": [
                        Middleware(RequestLimitsMiddleware),
                        Middleware(LinkPreviewMiddleware),
                        Middleware(ErrorStatusMiddleware),
                    ],
                    "exception_handlers": EXCEPTION_HANDLERS,
                    "lifespan": lifespan,
                },
                **THEME_OPTIONS,
            )
            app.state_holder = StatelessSessions(demo)
            demo.block_thread()
    except (ModelError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the page was open
        return INTERRUPTED_EXIT_STATUS
    return 0


if __name__ == "__main__":
    sys.exit(main())
