checks.true = value => value || undefined;
