'use strict';

const system = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

const options = {
  // ReDoc's own fonts come from another host when a page loads them; this one does not.
  theme: { typography: { fontFamily: system, headings: { fontFamily: system } } },
  requiredPropsFirst: true,
  downloadUrls: [
    { title: 'openapi.yaml', url: 'openapi.yaml' },
    { title: 'openapi.json', url: 'openapi.json' },
  ],
};

fetch('openapi.json')
  .then((answer) => answer.json())
  .then((contract) => {
    // Show the server that this page came from, below whatever path prefix it is seen. The contract
    // names the public address, which may not lead here yet.
    contract.servers = [{ url: new URL('.', document.baseURI).href.replace(/\/$/, '') }];
    Redoc.init(contract, options, document.getElementById('redoc'));
  })
  .catch((error) => {
    document.getElementById('redoc').textContent = 'The contract did not load. Reload the page to try again.';
    throw error;
  });
