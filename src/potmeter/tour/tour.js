// Keys from stop to stop, the contents that shows where one is, and a page that grows while the tour runs.
const stops = [...document.querySelectorAll(".stop")];
const links = new Map([...document.querySelectorAll("nav a[href^='#']")].map((a) => [a.hash.slice(1), a]));
const contents = document.querySelector("nav details");

function here() {
  const past = stops.filter((stop) => stop.getBoundingClientRect().top < innerHeight / 3);
  return past.length ? stops.indexOf(past[past.length - 1]) : -1;
}

function mark() {
  const stop = stops[here()];
  for (const [name, link] of links) link.classList.toggle("here", Boolean(stop) && name === stop.id);
  links.get(stop?.id)?.scrollIntoView({block: "nearest"});
}

document.addEventListener("keydown", (event) => {
  const by = {ArrowRight: 1, ArrowLeft: -1, n: 1, p: -1}[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("audio, video, input, textarea")) return;
  event.preventDefault();
  const stop = stops[here() + by];
  if (stop) stop.scrollIntoView();
  else if (by < 0) scrollTo(0, 0);
});

let pending = false;
document.addEventListener("scroll", () => {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; mark(); });
}, {passive: true});
const narrow = matchMedia("(max-width: 62rem)");
const adapt = () => (contents.open = !narrow.matches);
narrow.addEventListener("change", adapt);
adapt();
contents.addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) contents.open = false; });
mark();
if (document.body.dataset.waiting) setTimeout(() => location.reload(), 4000);
