// Full-width digits and signs, as a Chinese keyboard may give them.
const narrow = text =>
  text.replace(/[！-～]/g, wide => String.fromCharCode(wide.charCodeAt() - 65248));
