"""Load-test the HTTP API: python -m benchmarks.load [--save FILE] [--overload SECONDS] [--endurance REQUESTS]

By default it measures POST /predict beside Flask + Keras (flask_keras.py, served by waitress), in the same run on the
same machine with the same images, and the memory of both and of a page of Gradio + Keras (gradio_keras.py). With
--overload it sends twice the rate that the server sustains. With --endurance it measures whether memory or cache grow.
Each server is a separate process.
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

from benchmarks.load_generator import LoadGenerator, TimedResponse, form_request, post_request
from benchmarks.servers import flask_keras_server, gradio_keras_server, page_server
from benchmarks.tables import show
from digits import DigitReader

EXAMPLES = sorted((Path(__file__).parent.parent / "assets" / "examples").glob("*.png"))
CLIENT_COUNTS = (1, 8, 32, 128)
WARM_UP_CLIENTS = 4
MEASUREMENT_SECONDS = 5


def main() -> None:
    """Measure what the options choose, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    parser.add_argument("--overload", type=float, metavar="SECONDS", help="only: twice the rate that it can hold")
    parser.add_argument("--endurance", type=int, metavar="REQUESTS", help="only: whether memory or cache grow")
    args = parser.parse_args()
    if args.overload:
        lines = measure_overload(args.overload)
    elif args.endurance:
        lines = ["| requests | resident memory | files in the cache |", "|---|---|---|"]
        lines += [
            f"| {done} | {memory:.0f} MB | {files} |" for done, memory, files in measure_endurance(args.endurance)
        ]
    else:
        lines = compare_servers()
    show([*lines, "", f"Server and callers shared {os.cpu_count()} cores."], args.save)


def compare_servers() -> list[str]:
    """Return tables of throughput, latency and memory of this project's page, Flask + Keras, and Gradio + Keras."""
    lines = [
        "| server | image | callers | requests/s | p50 | p95 | p99 | not answered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rates = {}
    make_request = {"ours": _image_request, "Flask + Keras": form_request}
    # Both servers run all the time and are measured in turn, so that other load on the machine affects both alike.
    with page_server() as page, flask_keras_server() as rival:
        servers = {"ours": page, "Flask + Keras": rival}
        time.sleep(2)
        memory = {name: server.resident_megabytes() for name, server in servers.items()}
        with gradio_keras_server() as other_page:
            time.sleep(2)
            memory["Gradio + Keras"] = other_page.resident_megabytes()
        for kind, images in {"28x28 digit": digit_crops(), "560x420 photo of a digit": digit_photos()}.items():
            generators = {
                name: LoadGenerator(server.address, [make_request[name]("/predict", image) for image in images])
                for name, server in servers.items()
            }
            for clients in (WARM_UP_CLIENTS, *CLIENT_COUNTS):
                for name in servers:
                    began = time.perf_counter()
                    responses = asyncio.run(generators[name].run_closed_loop(clients, MEASUREMENT_SECONDS))
                    rate = rates[name, kind, clients] = len(responses) / (time.perf_counter() - began)
                    failed = sum(response.status != 200 for response in responses)
                    if clients != WARM_UP_CLIENTS:
                        lines.append(
                            f"| {name} | {kind} | {clients} | {rate:.0f} | {_latencies(responses)} | {failed} |"
                        )
    lines += ["", "| at 32 callers | ours / Flask + Keras |", "|---|---|"]
    for (name, kind, clients), rate in rates.items():
        if name == "ours" and clients == 32:
            lines.append(f"| {kind} | {rate / rates['Flask + Keras', kind, clients]:.1f} |")
    lines += ["", "| server | resident memory once the page was opened | ours is of it |", "|---|---|---|"]
    for name, megabytes in memory.items():
        lines.append(f"| {name} | {megabytes:.0f} MB | {memory['ours'] / megabytes:.0%} |")
    return lines


def measure_overload(seconds: float) -> list[str]:
    """Return a table of how the page responds to twice the rate that it sustains, and how soon it recovers.

    Every answer is compared with that of a reader that reads one image at a time.

    Args:
        seconds: duration of the overload.
    """
    requests = [_image_request("/predict", image) for image in digit_crops()]
    with page_server() as server:
        rate = _sustained_rate(LoadGenerator(server.address, requests))
        before = server.resident_megabytes()
        overload = LoadGenerator(server.address, requests).run_open_loop(2 * rate, int(2 * rate * seconds))
        responses = asyncio.run(overload)
        after = asyncio.run(LoadGenerator(server.address, requests).run_closed_loop(1, MEASUREMENT_SECONDS))
        memory = server.resident_megabytes()
    answered = [response for response in responses if response.status == 200]
    refused = [response for response in responses if response.status == 503]
    waits = [int(response.head.partition("retry-after:")[2].partition("\r\n")[0]) for response in refused]
    serial = [DigitReader().read(image).to_dict() for image in digit_crops()]
    wrong = sum(
        not _is_same_reading(json.loads(response.body), serial[response.request]) for response in [*answered, *after]
    )
    rows = {
        "rate that it holds, 32 callers": f"{rate:.0f}/s",
        f"asked for {seconds:.0f} s": f"{2 * rate:.0f}/s",
        "answered": f"{len(answered)}, {len(answered) / seconds:.0f}/s",
        "latency of the answered, p50, p95, p99": _latencies(answered).replace(" | ", ", "),
        "refused with 503": f"{len(refused)}",
        "latency of the refused, p50, p95, p99": _latencies(refused).replace(" | ", ", "),
        "told to come again after": f"{min(waits, default=0)} to {max(waits, default=0)} s",
        "answered otherwise": f"{len(responses) - len(answered) - len(refused)}",
        "answers that differ from the serial run's": f"{wrong}",
        "first answer once it was over": f"{1000 * after[0].seconds:.0f} ms, status {after[0].status}",
        "resident memory before and after": f"{before:.0f} MB, {memory:.0f} MB",
    }
    return ["| overload | |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in rows.items())]


def _sustained_rate(generator: LoadGenerator) -> float:
    """Return the requests per second that a server answers for 32 clients, once the rate no longer rises.

    Under load the server starts its worker processes, which takes seconds of processor time away from reading.
    """
    asyncio.run(generator.run_closed_loop(32, 2 * MEASUREMENT_SECONDS))
    rate, previous_rate = 0.0, -1.0
    while rate > 1.05 * previous_rate:
        responses = asyncio.run(generator.run_closed_loop(32, MEASUREMENT_SECONDS))
        previous_rate = rate
        rate = sum(response.status == 200 for response in responses) / MEASUREMENT_SECONDS
    return rate


def measure_endurance(count: int) -> list[tuple[int, float, int]]:
    """Return (requests, resident megabytes, files in the cache) after each tenth of many valid and invalid requests.

    Args:
        count: total number of requests.
    """
    image = digit_crops()[0]
    small, large = ({"url": _data_url(file)} for file in (image, image + bytes(300_000)))
    repeated = [
        _image_request("/predict", image),
        _json_request("/predict", {"image": small["url"]}),
        _image_request("/predict", b"no pixels"),
        _json_request("/predict", {"image": "/etc/passwd"}),
        _json_request("/gradio_api/run/predict", {"data": [small]}),
        _json_request("/gradio_api/run/predict", {"data": [{"path": "/etc/passwd"}]}),
        _json_request("/gradio_api/call/predict", {"data": [large]}),  # its answer is never fetched
    ]
    # Each round is a new session, because Gradio's own state holder retains data for every session.
    requests = [
        request
        for session in range(count // len(repeated))
        for request in (
            *repeated,
            _json_request("/gradio_api/run/predict", {"data": [small], "session_hash": str(session)}),
        )
    ]
    measurements = []
    with page_server() as server:
        # Waiting requests start worker processes, whose memory has to be part of the first measurement.
        asyncio.run(LoadGenerator(server.address, repeated[:1]).run_closed_loop(32, 2))
        # So has a full queue of Gradio, which fills slowly on a slow machine, up to its limit.
        asyncio.run(LoadGenerator(server.address, repeated[-1:]).run_closed_loop(32, 4))
        generator, done = LoadGenerator(server.address, requests), 0
        for target in np.linspace(count / 10, count, 10):
            while done < target:
                done += len(asyncio.run(generator.run_closed_loop(8, 0.5)))
            measurements.append((done, server.resident_megabytes(), server.count_cached_files()))
    return measurements


def digit_crops() -> list[bytes]:
    """Return the digits of the examples in MNIST's format: 28x28 PNGs, white on black."""
    reader = DigitReader()
    return [_encode_png(np.uint8(255 * frame)) for path in EXAMPLES for frame in reader.stages(path).frames]


def digit_photos() -> list[bytes]:
    """Return the files of the examples that show one digit."""
    return [path.read_bytes() for path in EXAMPLES[:4]]


def _image_request(path: str, image: bytes) -> bytes:
    return post_request(path, image, "image/png")


def _json_request(path: str, payload: dict) -> bytes:
    return post_request(path, json.dumps(payload).encode(), "application/json")


def _data_url(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _encode_png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _latencies(responses: Sequence[TimedResponse]) -> str:
    seconds = [response.seconds for response in responses] or [0.0]
    return " | ".join(f"{1000 * percentile:.0f} ms" for percentile in np.percentile(seconds, [50, 95, 99]))


def _is_same_reading(reading: dict, expected: dict) -> bool:
    return len(reading["digits"]) == len(expected["digits"]) and all(
        (one["digit"], one["box"], one["certain"]) == (other["digit"], other["box"], other["certain"])
        and np.allclose(one["probs"], other["probs"], atol=1e-6)
        for one, other in zip(reading["digits"], expected["digits"])
    )


if __name__ == "__main__":
    main()
