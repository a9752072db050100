// The page begins: what it listens to, and what it was left with. Stands last, after form.js and
// the parts of a survey's question types.
form.addEventListener("submit", event => {
  event.preventDefault();
  if (busy || frozen) return;
  update();
  const at = steps.indexOf(section), last = at >= steps.length - 1;
  const problems = reading.problems.filter(([id]) => last || home[id] === section);
  if (problems.length) {
    if (home[problems[0][0]] !== section) turn(home[problems[0][0]]);
    complain(problems.map(([id, code, ...facts]) =>
      [id, words[code].replace(/\{\w+\}/g, () => facts.shift())]));
    return;
  }
  complain([]);
  if (!last) {
    turn(steps[at + 1]);
    return;
  }
  freeze({
    version: controls._version[0].value, language: controls._language[0].value,
    answers: reading.answers, link, trap: !!controls._website[0].value,
    // How long a restored draft took is not known here.
    duration: draft ? undefined : Math.round(performance.now() / 1e3)
  }, Date.now());
  send();
});
// The second click of a double tap is meant for the step that is gone.
next.addEventListener("click", event => {
  if (event.detail > 1) event.preventDefault();
});
$("Back").addEventListener("click", () => {
  complain([]);
  turn(steps[steps.indexOf(section) - 1]);
});
$("Retry").addEventListener("click", send);
form.addEventListener("input", changed);
form.addEventListener("change", changed);
addEventListener("pageshow", update);
addEventListener("online", send);

form.noValidate = true;
all("a[hreflang]").forEach(anchor => {
  anchor.href += location.search;
});
sections.forEach(step => { step.tabIndex = -1; });
fields.forEach(([id]) => {
  const box = boxes[id] = $(id + "-Q");
  if (box) home[id] = box.closest("section");
  if (box || !window.URLSearchParams) return;
  const given = new URLSearchParams(location.search).get(id);
  if (given !== null) controls[id][0].value = given.slice(0, 200);
});
const draft = load(draftKey, 7);
if (draft) fields.forEach(([id]) => {
  const values = draft.answers[id];
  if (!values || !values.length || !controls[id] || texts(id).length) return;
  controls[id].forEach((control, at) => {
    if (picked(control)) control.checked = values.indexOf(control.value) >= 0;
    else control.value = values[at] || "";
  });
  $("Note").textContent = words.restored;
});
update();
document.documentElement.className = "j k";
frozen = load(frozenKey, 6);
if (frozen) {
  wait(words.offline);
  send();
} else {
  save(frozenKey);
}
