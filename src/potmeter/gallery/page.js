// What a page does by itself: its state goes into its address, lines are copied, pictures are saved, demos come to life.
const potmeter = {
  queries: {},  // of each tab, the end of the address that brings its state back
  chosen: null,  // the tab that the visitor pressed last: it stays, whatever loads meanwhile

  // The tabs in their order, those too that a narrow page keeps in a menu, where they have no name but their text.
  tabs() {
    const row = [...document.querySelectorAll(".tasks [role=tablist] [data-tab-id]")].map((button) => (
      {id: button.dataset.tabId, button, selected: button.getAttribute("aria-selected") === "true"}));
    const menu = [...document.querySelectorAll(".tasks .overflow-dropdown button")].map((button) => (
      {id: button.textContent.trim().replaceAll(" ", "_"), button, selected: button.classList.contains("selected")}));
    const untouchable = document.querySelector(".tasks.untouchable");
    return [...row, ...menu].filter((tab) => tab.id !== "by-hand" || !untouchable);
  },

  // Called when the page has been filled in: open the tab that was pressed, or stands in the address, or the one to
  // touch, and show there what the address or the first example says.
  begin() {
    const asked = new URLSearchParams(location.search).get("task");
    const state = document.querySelector(".note [data-weights]");
    if (!state) return;
    potmeter.weights = state.dataset.weights;
    const touch = "demo" in state.dataset;
    document.querySelector(".tasks").classList.toggle("untouchable", !touch);
    const tabs = potmeter.tabs().map((tab) => tab.id);
    const wanted = [potmeter.chosen, asked, touch ? "by-hand" : "run", "run", "about"].find((tab) => tabs.includes(tab));
    potmeter.queries = {};
    potmeter.choose(wanted, "show", wanted === asked || (!asked && wanted === "run"));
  },

  // Open a tab. ``how``: show what its widgets say ("show"), or only what is known already ("peek"); ``keep``: what
  // stands in the address is this tab's state.
  choose(tab, how = tab === "run" ? "show" : "peek", keep = false) {
    const found = potmeter.tabs().find((one) => one.id === tab);
    if (found && !found.selected) found.button.click();
    if (potmeter.queries[tab]) potmeter.address(potmeter.queries[tab]);
    else if (potmeter.weights !== undefined && !keep) {
      const query = new URLSearchParams();
      if (potmeter.weights) query.set("weights", potmeter.weights);
      if (tab !== "run") query.set("task", tab);
      potmeter.address("?" + query);
    }
    if (potmeter.queries[tab] || tab === "by-hand" || tab === "about") return;
    clearTimeout(potmeter.pressing);
    const press = () => {  // the button comes late on a slow machine
      const button = document.getElementById(`${how}-${tab}`);
      if (button) button.click();
      else potmeter.pressing = setTimeout(press, 100);
    };
    potmeter.pressing = setTimeout(press, 50);
  },

  // The state of the page, as the end of an address.
  address(query) {
    const present = slides.on() ? (query.length > 1 ? "&" : "?") + "present" : "";
    history.replaceState(null, "", location.pathname + (query.length > 1 ? query : "") + present);
  },

  // Put a picture, a sound or a video away as a file.
  save(figure) {
    const medium = figure.querySelector("img, audio, video");
    const kind = medium.src.slice(5).split(";")[0];
    const link = document.createElement("a");
    link.href = medium.src;
    link.download = (figure.dataset.name || "result") + "." + ({"image/png": "png", "audio/wav": "wav", "video/mp4": "mp4"}[kind] || "bin");
    link.click();
  },

  async copy(button) {
    const text = button.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // without https there is no clipboard but the old one
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 1200);
  },

  look() {
    for (const done of document.querySelectorAll("[data-query]")) {
      const task = new URLSearchParams(done.dataset.query).get("task") || "run";
      potmeter.queries[task] = done.dataset.query;
      if (potmeter.tabs().find((tab) => tab.selected)?.id === task)
        potmeter.address(done.dataset.query);
      done.removeAttribute("data-query");
    }
    for (const demo of document.querySelectorAll(".demo:not(.alive)")) {
      demo.classList.add("alive");
      new potmeter.Demo(demo);
    }
  },
};
window.potmeter = potmeter;

document.addEventListener("click", (event) => {
  const tab = event.isTrusted && potmeter.tabs().find((tab) => tab.button.contains(event.target));
  if (tab) {
    potmeter.chosen = tab.id;
    potmeter.choose(tab.id);
  }
  const button = event.target.closest("button.copy");
  if (button) potmeter.copy(button);
  const figure = event.target.closest(".result .medium.image, .result .medium.chart");
  if (figure && event.target.tagName === "IMG") potmeter.save(figure);
});
document.addEventListener("load", (event) => {  // of small pictures one wants to see the pixels
  const image = event.target;
  if (image.tagName === "IMG" && image.closest(".into")) image.classList.toggle("pixelated", image.naturalWidth < 128);
}, true);
potmeter.watch = () => {
  new MutationObserver(potmeter.look).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ["data-query"]});
  potmeter.look();
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", potmeter.watch);
else setTimeout(potmeter.watch);  // gradio puts its head in late; demos.js is still to come
