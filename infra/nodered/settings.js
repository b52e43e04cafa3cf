// How Node-RED runs here. What lives here: the server's settings. What does not: the flows, and any
// secret: those come from the environment, as docs/dashboard.md lists it.
const { existsSync } = require('node:fs')
const path = require('node:path')

const bcrypt = require.main.require('bcryptjs') // Node-RED's own

const BCRYPT_ROUNDS = 10
// A login takes about a tenth of a second: slow for who guesses, not for who knows.

function needed (name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set; start the dashboard with \`ev-pipeline up\``)
  return value
}

// The squares of a map, where the operator names who serves them: `https://host/{z}/{x}/{y}.png`.
const tiles = process.env.EV_MAP_TILES
  ? { address: process.env.EV_MAP_TILES, attribution: process.env.EV_MAP_ATTRIBUTION ?? '' }
  : null
const tileServer = tiles ? ` ${new URL(tiles.address).origin}` : ''

// A page may ask nothing of other hosts, but for pictures of that one. Dashboard 2 compiles templates
// in the browser, which needs `unsafe-eval`, and sets styles on elements.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  `img-src 'self' data: blob:${tileServer}`,
  "frame-ancestors 'none'",
  "form-action 'self'"
].join('; ')

function secured (request, response, next) {
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', tiles ? 'strict-origin' : 'no-referrer') // tile servers want to know who asks
  next()
}

// A browser may keep a file only as long as it has asked whether it is still the same.
function revalidated (response) {
  response.setHeader('Cache-Control', 'no-cache')
}

// What the pages take from packages as it is: under the package's name.
function packaged (name, folder = '') {
  const [file] = require.main.paths.map((place) => path.join(place, name, folder)).filter(existsSync)
  if (!file) throw new Error(`the package ${name} is not beside Node-RED; run \`make setup\``)
  return { path: file, root: `/ev/${name}/`, options: { setHeaders: revalidated } }
}

function tellMap (request, response, next) {
  if (request.path === '/map.json') response.json({ tiles })
  else next()
}

const mayEdit = process.env.EV_NODERED_EDITABLE === 'true'

module.exports = {
  uiHost: process.env.EV_NODERED_LISTEN || '127.0.0.1', // another address only in a container
  uiPort: Number(needed('EV_NODERED_PORT')),

  flowFile: 'flows.json',
  flowFilePretty: true,
  credentialSecret: false, // the credentials' file holds names of variables only
  readOnly: !mayEdit,

  httpAdminRoot: '/editor',
  httpStatic: [
    packaged('lineclip'),
    packaged('topojson-client', 'src'),
    packaged('world-atlas'),
    { path: path.join(__dirname, 'browser'), root: '/ev/', options: { setHeaders: revalidated }, middleware: tellMap }
  ],
  dashboard: { middleware: secured },
  httpAdminMiddleware: (request, response, next) => {
    response.setHeader('X-Frame-Options', 'DENY')
    next()
  },

  adminAuth: {
    type: 'credentials',
    users: [
      {
        username: 'admin',
        password: bcrypt.hashSync(needed('EV_NODERED_PASSWORD'), BCRYPT_ROUNDS),
        permissions: mayEdit ? '*' : 'read'
      }
    ]
  },

  mqttReconnectTime: 2000, // ms; the broker is beside it, and a page waits

  telemetry: { enabled: false, updateNotification: false },
  diagnostics: { enabled: false, ui: false },
  runtimeState: { enabled: false, ui: false },
  functionExternalModules: false,
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
    modules: { allowInstall: false }
  },
  editorTheme: {
    page: { title: 'EV Pipeline: flows' },
    projects: { enabled: false },
    tours: false,
    multiplayer: { enabled: false }
  },

  logging: { console: { level: 'info', metrics: false, audit: false } },
  exportGlobalContextKeys: false
}
