// Put away after something was answered, before it was sent: tells that somebody left, once a draft.
// (Or shown again, where it was being sent when it was put away.) The name of the mark is all there
// is to tell (break_offs.py). It is kept beside the draft, where every page of that finds it; what is
// sent later names it, and takes it back. What nobody is asked has no box.
let left = "";
const leftKey = draftKey + "-", told = () => left = load(leftKey, 7) || left;
document.onvisibilitychange = () => {
  const field = Object.keys(reading.answers).filter(id => boxes[id]).pop(), at = Date.now();
  if (panel.hidden && !frozen && field && navigator.sendBeacon && !told()) {
    left = {at, name: [ulid(at), form._version.value, form._language.value, field].join(".")};
    save(leftKey, left);
    navigator.sendBeacon(action.replace("responses", "break-offs"), left.name);
  }
};
