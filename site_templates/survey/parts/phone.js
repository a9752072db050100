checks.phone = value => match(value, 40, /^\+?\d([ -]?\d){4,17}$/, "phone");
