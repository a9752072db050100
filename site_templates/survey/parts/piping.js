// Earlier answers, and what the link knows, in texts. Always as text, never as markup.
const known = bare();
{
  const told = thanks, pipes = all("[data-v]").map(span => [span, span.textContent]);
  // An answer as the customer reads it: a choice by its text, a number without a long tail.
  const shown = (name, value) => {
    const texts = (controls[name] || []).map(control => {
      const item = Array.from(control.options || (picked(control) ? [control] : []))
        .filter(item => item.value === String(value))[0];
      return item && (item.text || item.parentNode.textContent);
    });
    return value === "other" && reading.answers[name + "_other"] || texts.filter(Boolean)[0]
      || (typeof value === "number" ? +value.toFixed(2) : value);
  };
  const said = (name, fallback) => {
    const value = name in known ? known[name] : reading.answers[name];
    return value === undefined ? fallback
      : Array.isArray(value) ? value.map(each => shown(name, each)).join(words.comma)
      : shown(name, value);
  };
  after.push(() => {
    pipes.forEach(([span, fallback]) => { span.textContent = said(span.dataset.v, fallback); });
    if (Array.isArray(told))
      thanks = told.map(piece => Array.isArray(piece) ? said(...piece) : piece).join("");
  });
}
// What the link knows, as far as the texts name it.
const pipe = attributes => {
  Object.assign(known, attributes);
  update();
};
