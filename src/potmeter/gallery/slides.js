// Presentation mode: large type, one thing a screen. P turns it on and off; right and left (or a presenter's keys) go to
// the stops of the lecture, down and up through what a stop can do; Q shows the code by which a class joins.
const slides = {
  on: () => document.documentElement.classList.contains("present"),

  // Turn it on or off; the address keeps it.
  set(on) {
    document.documentElement.classList.toggle("present", on);
    const query = new URLSearchParams(location.search);
    on ? query.set("present", "") : query.delete("present");
    const text = String(query).replace(/\bpresent=(&|$)/, "present$1");
    history.replaceState(null, "", location.pathname + (text ? "?" + text : ""));
    window.dispatchEvent(new Event("resize"));
  },

  // Go to the stop before or after; at the ends there is the first page.
  go(where) {
    const link = document.querySelector(`a[rel=${where}]`);
    const home = document.querySelector("a.brand");
    if (link) location.href = new URL(link.getAttribute("href").split("?")[0], location.href.split("?")[0]) + "?present";
    else if (home) location.href = new URL(home.getAttribute("href"), location.href.split("?")[0]) + "?present";
  },

  // Go to the tab before or after.
  turn(by) {
    if (!window.potmeter) return;
    const tabs = potmeter.tabs(), next = tabs[tabs.findIndex((tab) => tab.selected) + by];
    if (next) potmeter.choose(next.id);
  },

  // Whether a key belongs to what has the focus.
  busy(element) {
    return element.matches("textarea, select, input:not([type=range]):not([type=radio]):not([type=checkbox]), [contenteditable=true]")
      || (!slides.on() && element.matches("input, [role=application]"));
  },

  // The code by which others join, over the page.
  join() {
    const open = document.querySelector("dialog.join");
    if (open) { open.remove(); return; }
    const inside = Boolean(document.querySelector("a.brand[href]"));
    const image = new Image();
    image.onload = () => {
      const dialog = document.createElement("dialog");
      const line = document.createElement("p");
      dialog.className = "join";
      line.textContent = slides.address;
      dialog.append(image, line);
      dialog.addEventListener("click", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
    };
    const at = new URL(inside ? "../join" : "join", location.href.split("?")[0]);
    fetch(at).then((answer) => (answer.ok ? answer.text() : "")).then((address) => {
      if (!address) return;
      slides.address = address;
      image.src = at + ".svg";
    });
  },

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || slides.busy(event.target)) return;
    const act = {
      p: () => slides.set(!slides.on()),
      q: () => slides.join(),
    }[event.key.toLowerCase()] || (slides.on() && !document.querySelector("dialog[open]") && {
      ArrowRight: () => slides.go("next"), PageDown: () => slides.go("next"),
      ArrowLeft: () => slides.go("prev"), PageUp: () => slides.go("prev"),
      ArrowDown: () => slides.turn(1), ArrowUp: () => slides.turn(-1),
      Escape: () => slides.set(false),
    }[event.key]);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  },
};
if (new URLSearchParams(location.search).has("present")) document.documentElement.classList.add("present");
document.addEventListener("keydown", slides.key, true);
document.addEventListener("pointerup", () => {  // what was dragged gives the arrow keys back
  if (slides.on() && document.activeElement?.matches("input[type=range], [role=application], button")) document.activeElement.blur();
});
window.slides = slides;
