"""What the HTTP API bears: python -m benchmarks.load [--save FILE] [--overload SECONDS] [--endurance REQUESTS]

By default: POST /predict beside Flask + Keras (flask_keras.py, served by waitress), in the same run on the same
machine with the same images; and the memory of both, and of a page of Gradio + Keras (gradio_keras.py). With
--overload: twice the rate that it can hold. With --endurance: whether memory or cache grow. The servers are processes
of their own.
"""

import argparse
import asyncio
import base64
import io
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.callers import Answer, Callers, as_form, post
from benchmarks.servers import flask_keras, gradio_keras, ours
from benchmarks.tables import show
from digits import DigitReader

EXAMPLES = sorted((Path(__file__).parent.parent / "assets" / "examples").glob("*.png"))
CALLERS = (1, 8, 32, 128)
WARM_UP = 4  # callers
SECONDS = 5  # of each measurement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    parser.add_argument("--overload", type=float, metavar="SECONDS", help="only: twice the rate that it can hold")
    parser.add_argument("--endurance", type=int, metavar="REQUESTS", help="only: whether memory or cache grow")
    args = parser.parse_args()
    if args.overload:
        lines = overload(args.overload)
    elif args.endurance:
        lines = ["| requests | resident memory | files in the cache |", "|---|---|---|"]
        lines += [f"| {done} | {memory:.0f} MB | {files} |" for done, memory, files in endurance(args.endurance)]
    else:
        lines = comparison()
    show([*lines, "", f"Server and callers shared {os.cpu_count()} cores."], args.save)


def comparison() -> list[str]:
    """Requests a second, latencies and memory of our API and of Flask + Keras."""
    lines = [
        "| server | image | callers | requests/s | p50 | p95 | p99 | not answered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rates = {}
    requests = {"ours": _as_body, "Flask + Keras": as_form}
    # Both run all the time and are asked in turn: what else the machine does then hinders both alike.
    with ours() as page, flask_keras() as rival:
        servers = {"ours": page, "Flask + Keras": rival}
        time.sleep(2)
        memory = {name: server.memory() for name, server in servers.items()}
        with gradio_keras() as other_page:
            time.sleep(2)
            memory["Gradio + Keras"] = other_page.memory()
        for kind, images in {"28x28 digit": frames(), "560x420 photo of a digit": photos()}.items():
            callers_of = {
                name: Callers(server.address, [requests[name]("/predict", image) for image in images])
                for name, server in servers.items()
            }
            for callers in (WARM_UP, *CALLERS):
                for name in servers:
                    began = time.perf_counter()
                    answers = asyncio.run(callers_of[name].waiting(callers, SECONDS))
                    rate = rates[name, kind, callers] = len(answers) / (time.perf_counter() - began)
                    refused = sum(answer.status != 200 for answer in answers)
                    if callers != WARM_UP:
                        lines.append(
                            f"| {name} | {kind} | {callers} | {rate:.0f} | {_latencies(answers)} | {refused} |"
                        )
    lines += ["", "| at 32 callers | ours / Flask + Keras |", "|---|---|"]
    for (name, kind, callers), rate in rates.items():
        if name == "ours" and callers == 32:
            lines.append(f"| {kind} | {rate / rates['Flask + Keras', kind, callers]:.1f} |")
    lines += ["", "| server | resident memory once the page was opened | ours is of it |", "|---|---|---|"]
    for name, megabytes in memory.items():
        lines.append(f"| {name} | {megabytes:.0f} MB | {memory['ours'] / megabytes:.0%} |")
    return lines


def overload(seconds: float) -> list[str]:
    """Twice the rate that it can hold, with every answer held against the serial run's; and how soon it is over."""
    requests = [_as_body("/predict", image) for image in frames()]
    with ours() as server:
        rate = _held(Callers(server.address, requests))
        before = server.memory()
        answers = asyncio.run(Callers(server.address, requests).pressing(2 * rate, int(2 * rate * seconds)))
        after = asyncio.run(Callers(server.address, requests).waiting(1, SECONDS))
        memory = server.memory()
    right = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    waits = [int(answer.head.partition("retry-after:")[2].partition("\r\n")[0]) for answer in refused]
    serial = [DigitReader().read(image).to_dict() for image in frames()]
    wrong = sum(not _same(json.loads(answer.body), serial[answer.request]) for answer in [*right, *after])
    rows = {
        "rate that it holds, 32 callers": f"{rate:.0f}/s",
        f"asked for {seconds:.0f} s": f"{2 * rate:.0f}/s",
        "answered": f"{len(right)}, {len(right) / seconds:.0f}/s",
        "latency of the answered, p50, p95, p99": _latencies(right).replace(" | ", ", "),
        "refused with 503": f"{len(refused)}",
        "latency of the refused, p50, p95, p99": _latencies(refused).replace(" | ", ", "),
        "told to come again after": f"{min(waits, default=0)} to {max(waits, default=0)} s",
        "answered otherwise": f"{len(answers) - len(right) - len(refused)}",
        "answers that differ from the serial run's": f"{wrong}",
        "first answer once it was over": f"{1000 * after[0].seconds:.0f} ms, status {after[0].status}",
        "resident memory before and after": f"{before:.0f} MB, {memory:.0f} MB",
    }
    return ["| overload | |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows.items())]


def _held(callers: Callers) -> float:
    """The requests a second that a server holds for 32 callers, once it no longer answers more of them.

    With the crowd its processes start, which takes seconds, and takes them from the reading.
    """
    asyncio.run(callers.waiting(32, 2 * SECONDS))
    rate, before = 0.0, -1.0
    while rate > 1.05 * before:
        answers = asyncio.run(callers.waiting(32, SECONDS))
        rate, before = sum(answer.status == 200 for answer in answers) / SECONDS, rate
    return rate


def endurance(count: int) -> list[tuple[int, float, int]]:
    """Requests, megabytes in memory, files in the cache: after each tenth of many requests, right and wrong."""
    image = frames()[0]
    small, large = ({"url": _as_url(file)} for file in (image, image + bytes(300_000)))
    same = [
        _as_body("/predict", image),
        _as_json("/predict", {"image": small["url"]}),
        _as_body("/predict", b"no pixels"),
        _as_json("/predict", {"image": "/etc/passwd"}),
        _as_json("/gradio_api/run/predict", {"data": [small]}),
        _as_json("/gradio_api/run/predict", {"data": [{"path": "/etc/passwd"}]}),
        _as_json("/gradio_api/call/predict", {"data": [large]}),  # nobody comes for the answer
    ]
    # Each round is another session; Gradio would know them all again.
    requests = [
        request
        for session in range(count // len(same))
        for request in (*same, _as_json("/gradio_api/run/predict", {"data": [small], "session_hash": str(session)}))
    ]
    marks = []
    with ours() as server:
        # Where requests wait, processes are started that share the reading: they are here from the first mark on.
        asyncio.run(Callers(server.address, same[:1]).waiting(32, 2))
        # And Gradio's queue is full, which ends: it fills by and by where the machine is slow.
        asyncio.run(Callers(server.address, same[-1:]).waiting(32, 4))
        callers, done = Callers(server.address, requests), 0
        for mark in np.linspace(count / 10, count, 10):
            while done < mark:
                done += len(asyncio.run(callers.waiting(8, 0.5)))
            marks.append((done, server.memory(), server.files()))
    return marks


def frames() -> list[bytes]:
    """The digits of the examples as MNIST has them, 28x28 PNGs of white on black."""
    reader = DigitReader()
    return [_png(np.uint8(255 * frame)) for path in EXAMPLES for frame in reader.stages(path).frames]


def photos() -> list[bytes]:
    """The examples that show one digit, as they are."""
    return [path.read_bytes() for path in EXAMPLES[:4]]


def _as_body(path: str, image: bytes) -> bytes:
    return post(path, image, "image/png")


def _as_json(path: str, question: dict) -> bytes:
    return post(path, json.dumps(question).encode(), "application/json")


def _as_url(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _latencies(answers: Sequence[Answer]) -> str:
    times = [answer.seconds for answer in answers] or [0.0]
    return " | ".join(f"{1000 * seconds:.0f} ms" for seconds in np.percentile(times, [50, 95, 99]))


def _same(got: dict, serial: dict) -> bool:
    return len(got["digits"]) == len(serial["digits"]) and all(
        (one["digit"], one["box"], one["certain"]) == (other["digit"], other["box"], other["certain"])
        and np.allclose(one["probs"], other["probs"], atol=1e-6)
        for one, other in zip(got["digits"], serial["digits"])
    )


if __name__ == "__main__":
    main()
