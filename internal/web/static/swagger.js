'use strict';

// A deep link lands at its operation at once. Swagger UI would glide there for a
// second, from under the hand of whoever clicks meanwhile.
const landAtOnce = {
  statePlugins: {
    layout: { wrapActions: { scrollToElement: () => (element) => element.scrollIntoView() } },
  },
};

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: 'openapi.json',
  layout: 'BaseLayout',
  plugins: [() => landAtOnce],
  deepLinking: true,
  docExpansion: 'list',
  tryItOutEnabled: true,
  // Keys and tokens end with the page.
  persistAuthorization: false,
  // The validator runs on another host, and would learn the address of this server.
  validatorUrl: null,
});
