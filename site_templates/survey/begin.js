// The page begins: what it listens to, and what it was left with. Stands last, after form.js and
// the parts of a survey's question types.
// Listened to where a control named "onsubmit" is not in the way.
document.onsubmit = event => {
  event.preventDefault();
  if (busy || frozen) return;
  update();
  const following = steps[steps.indexOf(section) + 1];
  const problems = reading.problems.filter(([id]) => !following || home[id] === section);
  if (problems.length) {
    complain(problems.map(([id, code, ...facts]) =>
      [id, filled(wrong[code], facts)]));
  } else if (following) {
    turn(following);
  } else {
    complain([]);
    send();  // what another page of this link has frozen: that is the answer
    if (frozen) return;
    freeze({
      left: told().name,  // with left
      answers: reading.answers, link,
      version: form._version.value, language: form._language.value, trap: !!form._website.value,
      // How long a restored draft took is not known here.
      duration: draft ? undefined : performance.now() / 1e3 | 0
    }, Date.now());
    send();
  }
};
// The second click of a double tap is meant for the step that is gone.
next.onclick = event => event.detail < 2;
$("Back").onclick = () => {
  const before = steps[steps.indexOf(section) - 1];
  if (sections[place()[1]] === before) history.back();
  else turn(before);
};
window.onpopstate = () => {
  if (panel.hidden) show(sections[place()[0]]);
};
$("Retry").onclick = send;
document.oninput = document.onchange = changed;
window.onpageshow = update;
window.ononline = window.onstorage = send;

form.noValidate = true;
all("a[hreflang]").forEach(anchor => { anchor.href += location.search; });
const receipt = place()[2];
section = sections[place()[0]];
const draft = load(draftKey, 7);
if (draft) fields.forEach(([id]) => {
  const values = draft.answers[id] || [];
  if (!values[0] || texts(id).length) return;
  controls[id].forEach((control, at) => {
    if (picked(control)) control.checked = values.indexOf(control.value) >= 0;
    else control.value = values[at] || "";
  });
  $("Note").textContent = draft.version ? words.changed : words.restored;
});
update();
root.className = "j k";
if (receipt) done(receipt);
else send();
if (frozen) wait(words.offline);
