// The rule without the choices that are hidden.
const offered = ([kind, codes, ...limits], choiceIf, answers) => {
  const when = Object.assign(bare(), choiceIf);
  return [kind, codes.filter(code => !when[code] || holds(when[code], answers)), ...limits];
};

// A choice that is not offered any more is not chosen.
after.push(() => {
  let lost;
  Object.keys(reading.choices).forEach(id => controls[id].forEach(control => {
    Array.from(control.options || [control]).forEach(item => {
      const gone = !!item.value && reading.choices[id][1].indexOf(item.value) < 0;
      item.disabled = gone;
      (control.options ? item : item.parentNode).hidden = gone;
      if (gone && (item.checked || item.selected)) {
        item.checked = item.selected = false;
        lost = true;
      }
    });
  }));
  if (lost) update();
});
