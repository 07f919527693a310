export const english = {
  ms: '{n} ms',
  s: '{n} s',
  mins: '{m} min {s} s',
  hm: '{h} h {m} min',
  dh: '{d} d {h} h',
  now: 'just now',
  b: '{n} B',
  kb: '{n} kB',
  mb: '{n} MB',
  gb: '{n} GB',
  tb: '{n} TB',
};
