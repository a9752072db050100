// What nobody is asked may stand in the address.
fields.forEach(([id]) => {
  if (boxes[id] || !controls[id] || !window.URLSearchParams) return;
  const given = new URLSearchParams(location.search).get(id);
  if (given !== null) controls[id][0].value = given.slice(0, 200);
});
