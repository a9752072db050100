// The page begins: what it listens to, and what it was left with. Stands last, after form.js and
// the parts of a survey's question types.
form.addEventListener("submit", event => {
  event.preventDefault();
  if (busy || frozen) return;
  update();
  const following = steps[steps.indexOf(section) + 1];
  const problems = reading.problems.filter(([id]) => !following || home[id] === section);
  if (problems.length) {
    turn(home[problems[0][0]]);
    complain(problems.map(([id, code, ...facts]) =>
      [id, wrong[code].replace(/\{\w+\}/g, () => facts.shift())]));
  } else if (following) {
    turn(following);
  } else {
    complain([]);
    // Another page of this link may have been sent meanwhile: then that is the answer.
    frozen = load(frozenKey, 6);
    if (!frozen)
      freeze({
        version: controls._version[0].value, language: controls._language[0].value,
        answers: reading.answers, link, trap: !!controls._website[0].value,
        // How long a restored draft took is not known here.
        duration: draft ? undefined : Math.round(performance.now() / 1e3)
      }, Date.now());
    send();
  }
});
// The second click of a double tap is meant for the step that is gone.
next.addEventListener("click", event => {
  if (event.detail > 1) event.preventDefault();
});
$("Back").addEventListener("click", () => {
  const before = steps[steps.indexOf(section) - 1];
  if (history.state && sections[history.state[1]] === before) history.back();
  else turn(before);
});
addEventListener("popstate", () => {
  if (panel.hidden) show(sections[history.state ? history.state[0] : 0]);
});
$("Retry").addEventListener("click", send);
form.addEventListener("input", changed);
form.addEventListener("change", changed);
addEventListener("pageshow", update);
addEventListener("online", send);
// Two pages of one link: what the other sends is the answer of this one too.
addEventListener("storage", event => {
  if (event.key !== frozenKey || !event.newValue || frozen) return;
  frozen = JSON.parse(event.newValue);
  send();
});

form.noValidate = true;
all("a[hreflang]").forEach(anchor => {
  anchor.href += location.search;
});
sections.forEach(step => { step.tabIndex = -1; });
const [here, , receipt] = history.state || [0];
section = sections[here];
const draft = load(draftKey, 7);
if (draft) fields.forEach(([id]) => {
  const values = draft.answers[id];
  if (!values || !values.length || !controls[id] || texts(id).length) return;
  controls[id].forEach(control => {
    if (picked(control)) control.checked = values.indexOf(control.value) >= 0;
    else control.value = values[0];
  });
  $("Note").textContent = draft.version ? words.changed : words.restored;
});
update();
root.className = "j k";
frozen = load(frozenKey, 6);
if (receipt) {
  done(receipt);
} else if (frozen) {
  wait(words.offline);
  send();
}
