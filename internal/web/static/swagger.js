'use strict';

SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: 'openapi.json',
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'list',
  tryItOutEnabled: true,
  // Keys and tokens end with the page.
  persistAuthorization: false,
  // The validator is another host's, and would be told the contract's address.
  validatorUrl: null,
});
