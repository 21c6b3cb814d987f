'use strict';

const system = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

Redoc.init(
  'openapi.json',
  {
    // ReDoc's own fonts come from another host when a page loads them; this one does not.
    theme: { typography: { fontFamily: system, headings: { fontFamily: system } } },
    requiredPropsFirst: true,
  },
  document.getElementById('redoc'),
);
