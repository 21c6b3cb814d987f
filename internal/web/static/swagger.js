'use strict';

// A deep link lands at its operation at once. Swagger UI would glide there for a
// second, from under the hand of whoever clicks meanwhile.
const landAtOnce = {
  statePlugins: {
    layout: { wrapActions: { scrollToElement: () => (element) => element.scrollIntoView() } },
  },
};

// Requests go to the server that this page came from, below whatever path prefix it is seen. The
// contract names the public address, which may not lead here yet.
const here = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (original) => (contract) =>
          original({ ...contract, servers: [{ url: new URL('.', document.baseURI).href.replace(/\/$/, '') }] }),
      },
    },
  },
};

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: 'openapi.json',
  layout: 'BaseLayout',
  plugins: [() => landAtOnce, () => here],
  deepLinking: true,
  docExpansion: 'list',
  tryItOutEnabled: true,
  // Keys and tokens end with the page.
  persistAuthorization: false,
  // The validator runs on another host, and would learn the address of this server.
  validatorUrl: null,
});
