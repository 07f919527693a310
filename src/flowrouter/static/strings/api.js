export const english = {
  unreachable: 'The gateway does not answer.',
  unreachableFix: 'Is it running? Start it with `flow-router serve`; this page goes on by itself.',
  unreadable: 'The gateway answered {status} without a reason.',
};
