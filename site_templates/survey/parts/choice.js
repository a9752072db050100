// Where not all that a control offers may be chosen: the codes are those of the controls.
fields.forEach(([id, rule]) => {
  if (/^code/.test(rule))
    rule[1] = Array.from(controls[id][0].options || controls[id], item => item.value).filter(Boolean);
});
