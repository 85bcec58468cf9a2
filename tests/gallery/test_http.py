"""The same over HTTP, as the README shows it; and the command ``potmeter gallery``."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError

import potmeter
from potmeter.cli import execute
from potmeter.data.samples import sample
from potmeter.media import Image

from .conftest import HERE, get, started
from .test_limits import SVG, png, zip_bomb

pytestmark = [
    pytest.mark.network,  # the examples of real systems are MNIST's
    pytest.mark.xdist_group("gallery"),  # one gallery for all
]


def test_a_program_gets_plain_values_and_files(client, tmp_path):
    sample("digit-3").save(tmp_path / "three.png")
    values, files = client("classifier").predict("digits", handle_file(tmp_path / "three.png"), 3, api_name="/run")
    assert next(iter(values["result"])) == "3" and len(values["result"]) == 3 and values["seconds"] > 0
    assert files[0].endswith("result.csv")
    values, files = client("autoencoder").predict(
        weights="digits", image=handle_file(tmp_path / "three.png"), api_name="/run"
    )
    assert set(values["result"]) == {"picture", "codes"} and [f.rpartition("/")[2] for f in files] == [
        "picture.png",
        "codes.csv",
    ]
    assert Image.open(files[0]).size[0] > 100


def test_every_task_is_an_endpoint_by_its_name(client):
    assert set(client("vae").view_api(return_format="dict")["named_endpoints"]) == {
        "/run",
        "/interpolate",
        "/plane",
        "/reconstruct",
    }


def test_growing_results_come_as_they_grow(client):
    parts = list(client("poet").submit("first", "Once", 6, 1, 0.1, api_name="/run"))
    texts = [values["result"] for values, _ in parts]
    assert texts[-1] == "Once 1 0 1 2 3 4 5" and len(texts) >= 3 and texts == sorted(texts, key=len)


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="reads processor time as Linux tells it")
def test_pages_that_nobody_uses_leave_the_processor_alone():
    def used():  # seconds
        fields = Path(f"/proc/{idle.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with started(HERE / "site.py", "0") as idle:
        for name in ("blackbox", "vae", "autoencoder", "classifier", "gan", "poet", "chooser", "seer"):
            get(f"{idle.address}{name}/")
        time.sleep(2)
        before = used()
        time.sleep(3)
        assert used() - before < 0.15, "a twentieth of a core"


def test_mistakes_are_told_in_one_line(client):
    vae = client("vae")
    with pytest.raises(AppError, match="count must lie between 1 and 400. Received: 500"):
        vae.predict("digits", 500, 1.0, 0, api_name="/run")
    with pytest.raises(AppError, match="names a file"):
        client("classifier").predict("digits", "/etc", 10, api_name="/confusion")


@pytest.mark.parametrize(
    ("name", "data"),
    [("huge.png", png(10_000, 10_000)), ("bomb.png", zip_bomb()), ("script.png", SVG), ("script.svg", SVG)],
)
def test_hostile_files_are_refused(client, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AppError, match="larger than 25,000,000 pixels|not a picture|takes a file of kind"):
        client("classifier").predict("digits", handle_file(tmp_path / name), 3, api_name="/run")


def upload(site, name, data):
    """The status and the answer of an upload, by hand."""
    body = (
        (
            b'--x\r\ncontent-disposition: form-data; name="files"; filename="'
            + name.encode()
            + b'"\r\ncontent-type: image/png\r\n\r\n'
        )
        + data
        + b"\r\n--x--\r\n"
    )
    asked = urllib.request.Request(
        f"{site.address}classifier/gradio_api/upload", body, {"content-type": "multipart/form-data; boundary=x"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_names_of_uploads_cannot_climb_out_of_their_folder(site):
    for name in ("../../../../tmp/climbed.png", "..\\climbed.png", "/etc/climbed.png"):
        status, answer = upload(site, name, png(8, 8))
        assert status == 200
        assert (
            "potmeter-gallery-" in answer[0] and ".." not in Path(answer[0]).parts and answer[0].endswith("climbed.png")
        )


def test_files_that_are_too_large_are_refused_while_they_come(site):
    status, answer = upload(site, "large.png", bytes(17 * 2**20))
    assert status == 413, answer


@pytest.mark.parametrize("place", ["/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", "pyproject.toml"])
def test_no_file_of_the_machine_can_be_fetched(site, place):
    for path in (f"vae/gradio_api/file={place}", f"vae/file={place}", f"vae/static/{place}", f"{place}/cover"):
        try:
            assert "root:" not in get(site.address + urllib.request.quote(path, safe="/="))
        except urllib.error.HTTPError as error:
            assert error.code in (400, 403, 404, 405, 422)  # noqa: PT017


def test_a_path_in_place_of_an_upload_is_refused_by_the_server(site):
    asked = {"data": ["digits", {"path": "/etc/passwd.png", "meta": {"_type": "gradio.FileData"}}, 3]}
    request = urllib.request.Request(
        f"{site.address}classifier/gradio_api/call/run",
        json.dumps(asked).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            event = json.loads(answer.read())["event_id"]
        assert "event: error" in get(f"{site.address}classifier/gradio_api/call/run/{event}")
    except urllib.error.HTTPError as error:
        assert error.code in (400, 403, 422)  # noqa: PT017


def test_a_request_that_is_too_large_is_refused(site):
    request = urllib.request.Request(f"{site.address}autoencoder/demo", b"[" * (3 * 2**20), method="POST")
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert getattr(refused.value, "code", 413) == 413
    if isinstance(refused.value, urllib.error.HTTPError):
        refused.value.close()


def test_behind_a_proxy_pages_and_programs_work_below_its_path(proxied, browser, tmp_path):
    from gradio_client import Client

    tab, outside = browser.new_page(), []
    tab.on(
        "request",
        lambda asked: None if asked.url.startswith(("data:", "blob:", proxied.address)) else outside.append(asked.url),
    )
    tab.goto(proxied.address)
    tab.locator(".cards a", has_text="autoencoder").first.click()
    tab.wait_for_selector(".demo .shown img", timeout=150_000)
    tab.locator(".tasks [role=tablist] [data-tab-id=run]").click()
    tab.wait_for_selector(".job.done >> visible=true", timeout=150_000)
    assert tab.url.startswith(proxied.address) and [one for one in outside if not one.endswith("/favicon.ico")] == []
    tab.close()
    sample("digit-3").save(tmp_path / "three.png")
    client = Client(
        f"{proxied.address}autoencoder/", verbose=False, httpx_kwargs={"timeout": 150}, download_files=tmp_path
    )
    values, files = client.predict("digits", handle_file(tmp_path / "three.png"), api_name="/run")
    assert set(values["result"]) == {"picture", "codes"} and Path(files[0]).is_file()
    client.close()


@pytest.mark.parametrize("place", ["potmeter", "/a b", "ftp://example.org/x", "https://", "/x?y", "//evil.example/x"])
def test_a_root_path_that_is_none_is_told_of(place, capsys):
    assert execute(["gallery", "--no-browser", "--port", "0", "--root-path", place]) == 2
    assert "--root-path takes /potmeter or https://" in capsys.readouterr().err


def test_whoever_is_in_the_network_finds_the_gallery():
    from starlette.testclient import TestClient

    from potmeter.gallery import network_address
    from potmeter.gallery.server import Gallery

    assert network_address("192.0.2.7") == "192.0.2.7" and network_address("0.0.0.0") not in ("0.0.0.0", "")
    with TestClient(Gallery((), "http://192.0.2.7:7860/")) as open_to_all, TestClient(Gallery()) as local:
        assert "http://192.0.2.7:7860/" in open_to_all.get("/").text and "join.svg" in open_to_all.get("/").text
        assert open_to_all.get("/join").text == "http://192.0.2.7:7860/"
        assert open_to_all.get("/join.svg").text.startswith("<svg")
        assert "join.svg" not in local.get("/").text and local.get("/join").text == ""
        assert local.get("/join.svg").status_code == 404


# The command ------------------------------------------------------------------------------------------------------


def test_a_space_is_the_package_and_three_files_that_run_the_same_page(tmp_path):
    assert execute(["gallery", "--space", str(tmp_path / "space")]) == 0
    assert {path.name for path in (tmp_path / "space").iterdir()} == {
        "app.py",
        "README.md",
        "requirements.txt",
        "potmeter",
    }
    assert (tmp_path / "space" / "potmeter" / "weights" / "vae.digits" / "model.safetensors").is_file()
    front = re.match(r"---\n(.*?)\n---\n", (tmp_path / "space" / "README.md").read_text(), re.S)[1]
    values = dict(line.split(": ", 1) for line in front.splitlines())
    assert values["sdk"] == "gradio" and values["app_file"] == "app.py" and len(values["short_description"]) <= 60
    needed = (tmp_path / "space" / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("torch>=") for line in needed) and any(line.startswith("gradio>=") for line in needed)
    assert not any(line.startswith(("potmeter", "optuna", "pytest")) for line in needed), (
        "it needs no release, nor tests"
    )


@pytest.mark.slow
def test_the_app_of_a_space_serves_the_gallery(tmp_path):
    import os

    execute(["gallery", "--space", str(tmp_path / "space")])
    environment = os.environ | {"GRADIO_SERVER_PORT": "0", "GRADIO_SERVER_NAME": "127.0.0.1",
                                "PYTHONPATH": str(Path(potmeter.__file__).parents[1])}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=tmp_path / "space", stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert 'class="cards"' in get(re.search(r"http://\S+/", process.stdout.readline())[0])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_a_folder_that_holds_something_is_no_place_for_a_space(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert execute(["gallery", "--space", str(tmp_path)]) == 2
    assert "a new or an empty folder" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_of(site, capsys):
    port = site.address.rstrip("/").rpartition(":")[2]
    assert execute(["gallery", "--no-browser", "--port", port]) == 2
    assert "cannot be had" in capsys.readouterr().err
