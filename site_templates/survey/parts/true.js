coercions.true = text => text === "true";
checks.true = value => value || undefined;
