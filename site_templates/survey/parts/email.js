checks.email = value =>
  match(value, 254, /^[\w.!#$%&'*+\/=?^`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i, "email");
