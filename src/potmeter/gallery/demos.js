// Demos: a hand moves, the server says what that looks like. One question at a time, and always the newest.
potmeter.trips = [];  // milliseconds from question to picture, for measuring

potmeter.Demo = class {
  constructor(root) {
    this.root = root;
    this.shown = root.querySelector(".shown");
    this.asking = false;
    this.pending = null;
    this.age = 0;  // rises when what is shown is cleared: answers to earlier questions are thrown away
    const kind = ["plane", "knobs", "words", "sketch", "board"].find((name) => root.classList.contains(name));
    this[kind](this.recall());
    for (const button of root.querySelectorAll("[data-action]"))
      button.addEventListener("click", () => this.act(button));
  }

  // What stands in the address, where it is a state of this demo.
  recall() {
    const query = new URLSearchParams(location.search);
    const weights = new URL(this.root.dataset.address, location.href).searchParams.get("weights") || "";
    if (query.get("task") !== "by-hand" || !query.has("value") || (query.get("weights") || weights) !== weights) return null;
    try {
      return JSON.parse(query.get("value"));
    } catch {
      return null;
    }
  }

  // Put a state into the address, once the hand rests.
  remember(state) {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      const query = new URLSearchParams({task: "by-hand", value: JSON.stringify(state)});
      if (potmeter.weights) query.set("weights", potmeter.weights);
      if (String(query).length > 6000) return;  // longer addresses are not understood everywhere
      potmeter.queries["by-hand"] = "?" + query;
      if (potmeter.tabs().find((tab) => tab.selected)?.id === "by-hand")
        potmeter.address("?" + query);
    }, 400);
  }

  fetch(body, signal) {
    return fetch(new URL(this.root.dataset.address, location.href.split("?")[0]), {
      method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body), signal});
  }

  // Ask for the newest value; those that were passed over while an answer was awaited are never asked for.
  async ask(value) {
    this.pending = value;
    if (this.asking) return;
    this.asking = true;
    while (this.pending !== null) {
      const now = this.pending, age = this.age, began = performance.now();
      this.pending = null;
      try {
        const answer = await (await this.fetch({value: now})).json();
        if (age === this.age) this.draw(answer);
        potmeter.trips.push(performance.now() - began);
      } catch (error) {
        this.draw({error: "The server does not answer."});
      }
    }
    this.asking = false;
  }

  draw(answer) {
    if (answer.error) this.shown.innerHTML = '<p class="trouble"></p>', this.shown.firstChild.textContent = answer.error;
    else this.shown.innerHTML = answer.html;
  }

  // A button: a stream of new values, each with its picture; pressed again, it stops.
  async act(button) {
    if (this.stop) { this.stop.abort(); return; }
    this.stop = new AbortController();
    const name = button.textContent;
    button.textContent = "Stop";
    try {
      const answer = await this.fetch({value: this.value, action: button.dataset.action}, this.stop.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const {value, done} = await reader.read();
        if (done) break;
        text += value;
        const lines = text.split("\n");
        text = lines.pop();
        const last = lines.filter(Boolean).pop();
        if (last) {
          const news = JSON.parse(last);
          this.draw(news);
          if (news.value) this.set(news.value);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError") this.draw({error: "The server does not answer."});
    }
    this.stop = null;
    button.textContent = name;
  }

  // A point on a map ----------------------------------------------------------------------------------------------
  plane(state) {
    const map = this.root.querySelector(".map"), point = map.querySelector("i");
    const [left, bottom, right, top] = JSON.parse(map.dataset.corners);
    const to = (x, y) => {
      x = Math.min(Math.max(x, 0), 1), y = Math.min(Math.max(y, 0), 1);
      point.style.left = 100 * x + "%", point.style.top = 100 * y + "%";
      this.place = [x, y];
      this.value = [left + x * (right - left), top + y * (bottom - top)];
      this.ask(this.value);
      if (this.ready) this.remember(this.value.map((v) => Number(v.toPrecision(4))));
    };
    const follow = (event) => {
      const box = map.getBoundingClientRect();
      to((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    };
    map.addEventListener("pointerdown", (event) => { map.setPointerCapture(event.pointerId); map.focus({preventScroll: true}); follow(event); event.preventDefault(); });
    map.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
    map.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
      if (step) { event.preventDefault(); to(this.place[0] + step[0] / 80, this.place[1] + step[1] / 80); }
    });
    const [x, y] = numbers(state, 2) || JSON.parse(map.dataset.start);
    to((x - left) / (right - left), (y - top) / (bottom - top));
    this.ready = true;
  }

  // A slider for each number --------------------------------------------------------------------------------------
  knobs(state) {
    const sliders = [...this.root.querySelectorAll("input[type=range]")];
    const tell = (slider, value) => {
      const plus = slider.min < 0 ? "+" : "";  // where there is no minus
      slider.nextElementSibling.textContent = (value < 0 ? "−" : plus) + Math.abs(value).toFixed(2);
      const share = (value - slider.min) / (slider.max - slider.min);
      const at = 100 * Math.min(Math.max(share, 0), 1), zero = -100 * slider.min / (slider.max - slider.min);
      slider.style.setProperty("--from", Math.min(at, zero) + "%");  // the coloured part reaches from 0 to the value
      slider.style.setProperty("--to", Math.max(at, zero) + "%");
    };
    this.value = numbers(state, sliders.length) || sliders.map((slider) => Number(slider.dataset.value));
    sliders.forEach((slider, i) => {
      slider.value = this.value[i];
      tell(slider, this.value[i]);
      slider.addEventListener("input", () => {
        this.value[i] = Number(slider.value);
        tell(slider, this.value[i]);
        this.ask([...this.value]);
        this.remember(this.value.map((v) => Number(v.toPrecision(4))));
      });
    });
    this.set = (values) => {
      this.value = values;
      this.remember(values.map((v) => Number(v.toPrecision(4))));
      sliders.forEach((slider, i) => { slider.value = values[i]; tell(slider, values[i]); });
    };
    this.ask([...this.value]);
  }

  // A text to write -----------------------------------------------------------------------------------------------
  words(state) {
    const text = this.root.querySelector("textarea");
    if (typeof state === "string") text.value = state.slice(0, text.maxLength);
    this.value = text.value;
    text.addEventListener("input", () => { this.value = text.value; this.ask(this.value); this.remember(this.value); });
    this.set = (value) => { this.value = text.value = value; text.scrollTop = text.scrollHeight; this.remember(value); };
    this.ask(this.value);
  }

  // A board to play on: the first picture of what is shown lies under the cells ------------------------------------
  board(state) {
    const cells = [...this.root.querySelectorAll(".cells button")], columns = Number(getComputedStyle(cells[0].parentNode).getPropertyValue("--columns"));
    const show = this.draw.bind(this), picture = this.root.querySelector(".table img");
    this.draw = (answer) => {
      show(answer);
      if (answer.error) this.value = [...this.good];  // the move was against the rules
      const shown = this.shown.querySelector("img");
      if (shown) picture.src = shown.src, shown.closest("figure").remove();
    };
    const answer = Object.assign(document.createElement("button"), {textContent: "answer"});
    answer.dataset.action = "answer";
    this.value = Array.isArray(state) && numbers(state, state.length) ? state : [];
    this.good = [...this.value];
    this.set = (moves) => { this.value = moves; this.good = [...moves]; this.remember(moves); };
    cells.forEach((cell, i) => {
      cell.addEventListener("click", () => {
        if (this.stop) return;  // the other is thinking
        this.value = [...this.value, Number(cell.dataset.move)];
        this.act(answer);
      });
      cell.addEventListener("keydown", (event) => {
        const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key];
        if (step && cells[i + step]) { event.preventDefault(); cells[i + step].focus(); }
      });
    });
    this.ask([...this.value]);
  }

  // A sheet to draw on --------------------------------------------------------------------------------------------
  sketch(state) {
    const sheet = this.root.querySelector("canvas"), pen = sheet.getContext("2d");
    let strokes = [];  // each a list of x, y, x, y …: what the address keeps
    const clear = () => {
      pen.fillStyle = "black";
      pen.fillRect(0, 0, sheet.width, sheet.height);
      this.shown.innerHTML = "";
      this.pending = null;
      this.age += 1;
      strokes = [];
    };
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "white";
    pen.lineWidth = Number(sheet.dataset.pen) * sheet.width;
    const line = (from, to) => {
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...to);
      pen.stroke();
    };
    let last = null;
    const at = (event) => {
      const box = sheet.getBoundingClientRect();
      return [(event.clientX - box.left) * sheet.width / box.width, (event.clientY - box.top) * sheet.height / box.height];
    };
    const draw = (event) => {
      const next = at(event).map(Math.round);
      if (!last) strokes.push([...next]);
      else if (Math.hypot(next[0] - last[0], next[1] - last[1]) < 3) return;  // so that the address stays short
      else strokes[strokes.length - 1].push(...next);
      line(last || next, next);
      last = next;
      this.ask(sheet.toDataURL("image/png"));
      this.remember(strokes);
    };
    sheet.addEventListener("pointerdown", (event) => { sheet.setPointerCapture(event.pointerId); last = null; draw(event); event.preventDefault(); });
    sheet.addEventListener("pointermove", (event) => { if (event.buttons && last) draw(event); });
    sheet.addEventListener("pointerup", () => { last = null; });
    this.root.querySelector(".clear").addEventListener("click", () => { clear(); this.remember(strokes); });
    clear();
    if (!Array.isArray(state) || !state.every((stroke) => numbers(stroke, stroke.length)) || !state.length) return;
    strokes = state;
    for (const [x, y, ...rest] of strokes) {
      let from = [x, y];
      line(from, from);
      for (let i = 0; i + 1 < rest.length; i += 2) {
        line(from, [rest[i], rest[i + 1]]);
        from = [rest[i], rest[i + 1]];
      }
    }
    this.ask(sheet.toDataURL("image/png"));
  }
};

// So many finite numbers, or null: an address may hold anything.
function numbers(value, count) {
  return Array.isArray(value) && value.length === count && value.every((v) => typeof v === "number" && Number.isFinite(v)) ? value : null;
}
