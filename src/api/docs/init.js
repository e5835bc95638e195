// Starts Swagger UI on this server's own document. Calls go out with the session cookie of the pages, or with the token
// given under "Authorize"; the token is kept for this page only.
"use strict";
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  withCredentials: true,
  defaultModelsExpandDepth: 0,
});
