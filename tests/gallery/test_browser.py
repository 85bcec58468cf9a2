"""The gallery in a real browser: every system's page opens, runs its first example, and looks as it should."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from potmeter import registry

from .conftest import get

pytestmark = [
    pytest.mark.network,  # the examples of real systems are MNIST's
    pytest.mark.xdist_group("gallery"),  # one gallery for all
]
REAL = [name for name, entry in registry.entries().items() if entry.weights]
FAKE = ["poet", "chooser", "talker", "seer", "occlusion"]


def open_page(page, site, name, query=""):
    """Open a system's page, on its first task where no other is named, and wait until it shows a result."""
    query = query if "task=" in query else f"{query}&task=run" if query else "?task=run"
    page.goto(f"{site.address}{name}/{query}")
    page.wait_for_selector(".job.done >> visible=true")


def stands(page):
    return page.locator(".job >> visible=true").inner_text()


@pytest.mark.parametrize("name", [*REAL, *FAKE])
def test_every_page_opens_and_runs_its_first_example(page, site, name, tmp_path):
    open_page(page, site, name)
    took = r"Took [\d.]+ (ms|s|min.*?)( for [\d.]+ m?s of sound: [\d.]+ × real time)?"
    assert re.fullmatch(took, stands(page))
    assert page.locator(".result .medium >> visible=true").count() >= 1
    command = page.locator(".calls code >> visible=true").all_inner_texts()
    assert command[0].startswith(f"potmeter run {name}") and command[1].startswith(f'potmeter.load("{name}')
    shot = page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert len(shot) > 20_000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out to the right"


def test_the_first_page_shows_every_system_in_the_lectures_order_and_links_to_it(page, site):
    page.goto(site.address)
    names = [text.split()[0] for text in page.locator(".cards b").all_inner_texts()]
    slides = [
        [int(n) for n in group.locator(".slide").all_inner_texts()] for group in page.locator("main > section").all()
    ]
    assert {*REAL, *FAKE} <= set(names) and all(group == sorted(group) for group in slides)
    sections = page.locator("main h2").all_inner_texts()
    assert sections[0] == "Basics"
    page.locator(".cards a", has_text=re.compile("^.*vae")).first.click()
    page.wait_for_selector(".demo .shown img")
    page.locator("a.brand").click()
    page.wait_for_selector(".cards")


@pytest.mark.parametrize("width", [390, 820])
def test_pages_fit_a_phone(page, site, width):
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("", "vae/?weights=plane&task=by-hand", "autoencoder/?task=run"):
        page.goto(site.address + path)
        page.wait_for_selector(
            ".cards" if not path else ".demo .shown img" if "hand" in path else ".job.done >> visible=true"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_an_address_restores_the_page(page, site):
    open_page(page, site, "vae", "?weights=plane&task=plane&side=3")
    assert page.locator("button[role=tab][aria-selected=true]").last.inner_text() == "plane"
    command = page.locator(".calls code >> visible=true").first.inner_text()
    assert command == "potmeter run vae.plane:plane --side 3"
    page.locator("#go-plane").click()
    page.wait_for_timeout(500)
    page.wait_for_selector(".job.done >> visible=true")
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"weights": ["plane"], "task": ["plane"], "side": ["3"]}


def test_a_seed_that_was_drawn_stands_in_the_address(page, site):
    open_page(page, site, "poet", "?prompt=Hello&words=2")
    query = {key: value[0] for key, value in parse_qs(urlsplit(page.url).query).items()}
    first = page.locator(".result pre >> visible=true").inner_text()
    assert query["prompt"] == "Hello" and query["words"] == "2" and query["seed"] == "3", "the first example's"
    open_page(page, site, "poet", f"?prompt=Hello&words=2&seed={query['seed']}&weights=second")
    assert page.locator(".result pre >> visible=true").inner_text() == first


def test_an_examples_picture_stands_in_the_address_and_an_uploaded_one_does_not(page, site, tmp_path):
    from potmeter.data.samples import sample

    open_page(page, site, "classifier")
    assert parse_qs(urlsplit(page.url).query)["image"] == ["example-0"]
    page.locator(".examples button.gallery-item >> visible=true").nth(1).click()
    page.wait_for_function("location.search.includes('example-1')")
    page.wait_for_selector(".job.done >> visible=true")
    sample("digit-5").save(tmp_path / "five.png")
    page.locator(
        ".picture button[aria-label=Clear], .picture button[title=Clear], .picture .icon-button >> visible=true"
    ).first.click()
    page.locator(".picture input[type=file]").first.set_input_files(tmp_path / "five.png")
    page.wait_for_selector(".picture img >> visible=true")
    page.locator("#go-run").click()
    page.wait_for_function("!location.search.includes('example')")
    assert page.locator(".calls code >> visible=true").first.inner_text() == "potmeter run classifier.digits five.png"


def test_an_examples_consent_is_none_for_ones_own_picture(page, site, tmp_path):
    from playwright.sync_api import expect

    from potmeter.data.samples import sample

    open_page(page, site, "deepfakes")
    consent = page.get_by_label("consent").locator("visible=true")
    assert consent.is_checked()
    sample("person-8").save(tmp_path / "mine.png")
    page.locator(".picture .icon-button >> visible=true").first.click()
    page.locator(".picture input[type=file]").first.set_input_files(tmp_path / "mine.png")
    expect(consent).not_to_be_checked()
    page.locator("#go-run").click()
    page.locator(".out .trouble >> visible=true").wait_for()
    assert "has consented, or does not exist" in page.locator(".out .trouble >> visible=true").inner_text()


def test_growing_text_is_seen_growing_and_can_be_stopped(page, site):
    open_page(page, site, "poet")
    page.goto(f"{site.address}poet/?words=400&pace=0.05")
    page.wait_for_selector(".halt >> visible=true")
    page.wait_for_function("document.querySelector('.result pre')?.textContent.split(' ').length > 10")
    page.locator(".halt >> visible=true").click()
    page.wait_for_selector(".job.stopped >> visible=true")
    length = len(page.locator(".result pre >> visible=true").inner_text())
    page.wait_for_timeout(700)
    assert len(page.locator(".result pre >> visible=true").inner_text()) == length
    assert page.locator("#go-run").is_visible()


def test_progress_is_shown(page, site):
    page.goto(f"{site.address}poet/?task=ponder&steps=100&pace=0.03")
    page.wait_for_selector(".job.busy i b >> visible=true")
    assert re.match(r"pondering \d+ of 100", stands(page))
    page.wait_for_selector(".job.done >> visible=true")


def test_other_weights_fill_the_page_anew_and_weights_that_cannot_be_had_are_told_of(page, site):
    open_page(page, site, "classifier")
    page.locator(".weights label", has_text="fashion").click()
    page.wait_for_function("location.search.includes('weights=fashion')")
    page.wait_for_selector(".job.done >> visible=true")
    assert "ankle boot" in page.locator(".result div.bars >> visible=true").inner_text().lower()
    open_page(page, site, "chooser")
    page.locator(".weights label", has_text="broken").click()
    page.locator(".note .trouble", has_text="Not possible").wait_for()


def test_a_probe_has_a_chooser_of_models(page, site):
    open_page(page, site, "occlusion")
    page.locator(".weights label", has_text="classifier.fashion").click()
    page.wait_for_function("location.search.includes('classifier.fashion')")
    command = page.locator(".calls code >> visible=true").first.inner_text()
    assert command.startswith("potmeter run occlusion") and command.endswith("--model classifier.fashion")


def test_choices_that_only_loaded_weights_know_are_filled_in(page, site):
    open_page(page, site, "chooser")
    assert "bass calm True (3, 4) None: hello" in page.locator(".result pre >> visible=true").inner_text()


def test_dragging_the_point_moves_the_picture(page, site):
    page.goto(f"{site.address}autoencoder/?task=by-hand")
    page.wait_for_selector(".demo .shown img")
    box = page.locator(".demo .map").bounding_box()
    seen = set()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(box["x"] + 20 + step * (box["width"] - 40) / 11, box["y"] + 40 + 20 * step)
        page.wait_for_timeout(120)
        seen.add(page.locator(".demo .shown img").get_attribute("src"))
    page.mouse.up()
    assert len(seen) >= 6 and page.evaluate("potmeter.trips.length") >= 6


def test_a_digit_that_is_drawn_is_recognised(page, site):
    page.goto(f"{site.address}classifier/?task=by-hand")
    box = page.locator(".demo canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.48, box["y"] + box["height"] * 0.8, steps=10)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.demo .shown .bar span')?.textContent === '1'")
    page.locator(".demo .clear").click()
    page.wait_for_timeout(300)  # an answer that was under way when the sheet was cleared must not appear either
    assert page.locator(".demo .shown .bar").count() == 0


def test_a_text_is_coloured_while_it_is_written_and_goes_on_until_it_is_stopped(page, site):
    page.goto(f"{site.address}gpt2/?task=by-hand")
    page.wait_for_selector(".demo .shown img")
    shown, sheet = page.locator(".demo .shown img"), page.locator(".demo textarea")
    before = shown.get_attribute("src")
    sheet.fill("It is a sandwich")
    page.wait_for_function("old => document.querySelector('.demo .shown img').src !== old", arg=before)
    button = page.locator(".demo .buttons button")
    assert button.inner_text() == "Go on"
    button.click()
    page.wait_for_function("document.querySelector('.demo textarea').value.length > 30")
    button.click()
    page.wait_for_function("document.querySelector('.demo .buttons button').textContent === 'Go on'")
    written = sheet.input_value()
    page.wait_for_timeout(700)
    assert written.startswith("It is a sandwich") and sheet.input_value() == written


def test_training_turns_the_knobs_live(page, site):
    page.goto(f"{site.address}blackbox/?task=by-hand")
    page.wait_for_selector(".demo .shown img")
    loss = "() => Number(document.querySelector('.demo .shown td:nth-child(2)').textContent)"
    page.locator(".demo button", has_text="Turn at random").click()
    page.wait_for_function(f"({loss})() > 0.3")
    before = page.locator(".demo .sliders output").all_inner_texts()
    page.locator(".demo button", has_text="Train").click()
    page.wait_for_function(f"({loss})() < 0.2")
    after = page.locator(".demo .sliders output").all_inner_texts()
    assert sum(a != b for a, b in zip(before, after, strict=True)) > len(after) // 2


def test_sliders_mix_the_styles_of_three_pictures(page, site):
    page.goto(f"{site.address}stylegan/?task=by-hand")
    page.wait_for_selector(".demo .shown img")
    shown = page.locator(".demo .shown img")
    assert page.locator(".demo .sliders output").all_inner_texts() == ["5.00", "16.00", "7.00", "+0.70"]
    for number, value in ((2, "9.5"), (3, "-0.5")):
        before = shown.get_attribute("src")
        page.locator(".demo .sliders input").nth(number).fill(value)
        page.wait_for_function("old => document.querySelector('.demo .shown img').src !== old", arg=before)
    assert page.locator(".demo .sliders output").all_inner_texts() == ["5.00", "16.00", "9.50", "−0.50"]
    page.locator(".demo button", has_text="Three others").click()
    page.wait_for_function("document.querySelectorAll('.demo .sliders output')[2].textContent.endsWith('.00')")
    assert page.locator(".demo .sliders output").last.inner_text() == "−0.50"


def tab_of(page):
    """The tab that is open."""
    return page.locator(".tasks [role=tablist] [aria-selected=true]").get_attribute("data-tab-id")


def test_a_page_opens_on_what_can_be_touched_with_weights_that_have_it(page, site):
    page.goto(f"{site.address}vae/")
    page.wait_for_selector(".demo .shown img >> visible=true")
    assert tab_of(page) == "by-hand"
    page.wait_for_function("location.search === '?weights=plane&task=by-hand'")
    page.goto(f"{site.address}vae/?weights=digits")
    page.wait_for_selector(".job.done >> visible=true")
    assert tab_of(page) == "run" and "weights=digits" in page.url


def test_weights_with_nothing_to_touch_have_no_tab_for_it(page, site):
    open_page(page, site, "vae", "?weights=digits")
    tab = page.locator(".tasks [role=tablist] [data-tab-id=by-hand]")
    assert not tab.is_visible()
    page.locator(".weights label", has_text="plane").click()
    page.wait_for_selector(".tasks [role=tablist] [data-tab-id=by-hand] >> visible=true")


def test_on_a_phone_a_tab_in_the_menu_is_opened_by_its_address_and_by_hand(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.address}vae/?weights=digits&task=reconstruct")
    page.wait_for_selector(".job.done >> visible=true")
    assert "task=reconstruct" in page.url
    command = page.locator(".calls code >> visible=true").first.inner_text()
    assert command.startswith("potmeter run vae.digits:reconstruct")
    page.locator(".tasks .overflow-menu > button").click()
    page.locator(".tasks .overflow-dropdown button", has_text="about").click()
    page.wait_for_function("location.search.includes('task=about')")
    assert page.evaluate("potmeter.tabs().find((tab) => tab.selected).id") == "about"


def test_a_tab_that_is_pressed_while_the_page_loads_stays(page, site):
    page.goto(f"{site.address}autoencoder/", wait_until="commit")
    page.locator(".tasks [role=tablist] [data-tab-id=about]").click()
    page.wait_for_selector(".note [data-weights]", state="attached")
    page.wait_for_timeout(700)
    assert tab_of(page) == "about" and "task=about" in page.url


@pytest.mark.parametrize(
    ("name", "value", "state"),
    [
        ("autoencoder", "[0.5,-1.25]", "document.querySelector('.demo .map i').style.left"),
        ("stylegan", "[2,3,4,0.5]", "[...document.querySelectorAll('.demo output')].map((o) => o.textContent).join()"),
        ("gpt2", '"It was a dark"', "document.querySelector('.demo textarea').value"),
        ("classifier", "[[140,60,138,120,140,220]]", "document.querySelector('.demo .shown .bar span').textContent"),
    ],
)
def test_what_was_touched_stands_in_the_address_and_comes_back(page, site, name, value, state):
    from urllib.parse import quote

    shown = {"autoencoder": "61.875%", "stylegan": "2.00,3.00,4.00,+0.50", "gpt2": "It was a dark", "classifier": "1"}
    page.goto(f"{site.address}{name}/?task=by-hand&value={quote(value)}")
    page.wait_for_selector(".demo .shown img >> visible=true")
    page.wait_for_function(f"({state}) === {json.dumps(shown[name])}")
    for nonsense in ("[", "null", "[1e999,0]", '{"a":1}', "x" * 3000):
        page.goto(f"{site.address}{name}/?task=by-hand&value={quote(nonsense)}")
        page.wait_for_selector(".demo.alive >> visible=true")


def test_moving_the_point_writes_the_address(page, site):
    page.goto(f"{site.address}autoencoder/")
    page.wait_for_selector(".demo .shown img >> visible=true")
    page.locator(".demo .map").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("new URLSearchParams(location.search).has('value')")
    value = json.loads(parse_qs(urlsplit(page.url).query)["value"][0])
    assert value[0] > 0 and value[1] == pytest.approx(0, abs=1e-6)


def test_opening_a_page_again_computes_nothing_again(page, site):
    open_page(page, site, "poet", "?words=30&pace=0.05&seed=1")
    first = stands(page)
    page.reload()
    page.wait_for_selector(".job.done >> visible=true", timeout=20_000)
    assert stands(page) == first, "to the millisecond: it is the same run"
    page.locator("#go-run").click()
    page.wait_for_function(
        "old => ![...document.querySelectorAll('.job')].some((p) => p.textContent === old)", arg=first
    )
    page.wait_for_selector(".job.done >> visible=true")


def test_two_who_look_at_once_wait_for_one_computation(browser, page, site):
    other = browser.new_page()
    address = f"{site.address}poet/?task=ponder&steps=60&pace=0.05"
    page.goto(address)
    page.wait_for_selector(".job.busy >> visible=true")
    other.goto(address)
    for tab in (page, other):
        tab.wait_for_selector(".job.done >> visible=true", timeout=150_000)
    assert stands(page) == stands(other)
    other.close()


def test_keys_lead_through_the_lecture(page, site):
    page.goto(f"{site.address}?present")
    assert page.evaluate("document.documentElement.classList.contains('present')")
    names = list(registry.entries())
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/{names[0]}/?*present*")
    page.wait_for_selector(".note [data-weights]", state="attached")
    page.keyboard.press("PageDown")
    page.wait_for_url(f"**/{names[1]}/?*present*")
    page.goto(f"{site.address}vae/?present")
    page.wait_for_selector(".demo .shown img >> visible=true")
    page.wait_for_timeout(700)
    page.locator(".demo .map").click(position={"x": 30, "y": 30})  # which then has the focus no more
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "document.querySelector('.tasks [role=tablist] [aria-selected=true]').dataset.tabId === 'run'"
    )
    page.wait_for_selector(".job.done", state="attached")
    assert "present" in page.url and "task" not in page.url
    page.keyboard.press("ArrowUp")
    assert tab_of(page) == "by-hand"
    page.keyboard.press("p")
    assert "present" not in page.url and not page.evaluate("slides.on()")
    page.keyboard.press("ArrowDown")
    assert tab_of(page) == "by-hand", "arrow keys belong to the page again"


def test_in_presentation_mode_a_screen_shows_one_thing_whole(page, site):
    page.set_viewport_size({"width": 1366, "height": 768})
    for name in ("vae", "autoencoder", "blackbox"):
        page.goto(f"{site.address}{name}/?present")
        page.wait_for_selector(".demo .shown img >> visible=true")
        page.wait_for_timeout(300)
        box = page.locator(".demo .shown img").first.bounding_box()
        assert box["y"] + box["height"] <= 768 and box["height"] > 400, name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_hostile_uploads_are_refused_with_a_message(page, site, tmp_path):
    from .test_limits import png, zip_bomb

    files = {
        "huge.png": (png(10_000, 10_000), "larger than 25,000,000 pixels"),
        "bomb.png": (zip_bomb(), "not a picture"),
    }
    for name, (data, says) in files.items():
        (tmp_path / name).write_bytes(data)
        open_page(page, site, "classifier")
        page.locator(".picture .icon-button >> visible=true").first.click()
        page.locator(".picture input[type=file]").first.set_input_files(tmp_path / name)
        page.wait_for_timeout(1500)
        page.locator("#go-run").click()
        page.locator(".out .trouble >> visible=true").wait_for()
        assert says in page.locator(".out .trouble >> visible=true").inner_text()


def test_no_page_names_an_address_outside(site):
    for path in ("", "vae/", "classifier/"):
        text = re.sub(r"<meta\s[^>]*>", "", get(site.address + path), flags=re.S)  # names, which no browser asks for
        text = text.replace("http://www.w3.org/", "").replace(site.address, "")
        assert not re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?https?://[^"\') ]+', text)
    assert "default-src 'self'" in dict_of_headers(site)["content-security-policy"]


def dict_of_headers(site):
    import urllib.request

    with urllib.request.urlopen(site.address, timeout=60) as answer:
        return {key.lower(): value for key, value in answer.headers.items()}


def test_it_answers_to_no_other_name(site):
    import urllib.error

    with pytest.raises(urllib.error.HTTPError) as refused:
        get(site.address, host="evil.example")
    assert refused.value.code == 421


def test_the_state_of_a_demo_is_checked(site):
    import urllib.error
    import urllib.request

    def ask(name, body, query=""):
        asked = urllib.request.Request(f"{site.address}{name}/demo{query}", json.dumps(body).encode(), method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return json.loads(error.read())["error"]

    assert '"html"' in ask("autoencoder", {"value": [0.5, -1]})
    for value in (None, "x", [1], [1, "a"], [float("inf"), 1], {"a": 1}, [True, 1], [[1], [2]]):
        assert "takes 2 numbers" in ask("autoencoder", {"value": value})
    assert "nothing to touch" in ask("vae", {"value": [0, 0]})
    assert "weights is one of" in ask("vae", {"value": [0, 0]}, "?weights=/etc")
    assert "no such demo" in ask("vae", [1])
    for value in ("x", "data:image/png;base64,AAAA", 3, "A" * 400_000):
        assert "sketch" in ask("classifier", {"value": value})
    assert "takes a text" in ask("gpt2", {"value": 3}) and "at most 2,000" in ask("gpt2", {"value": "a" * 2001})
    assert "The buttons are" in ask("blackbox", {"value": [0.0] * 51, "action": "fly"})
