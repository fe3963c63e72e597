// Starts a Bluesky network (PLC, PDS, AppView, Ozone) on loopback and prints its address.
// It ends when its standard input does, so that nothing outlives the test run.
const net = require('node:net')

// The servers would bind to every interface: tests stay on this machine.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...given) {
  if (['number', 'string'].includes(typeof given[0]) && typeof given[1] !== 'string') {
    given.splice(1, 0, '127.0.0.1')
  }
  return listen.apply(this, given)
}

const { TestNetwork } = require('@atproto/dev-env')

async function start() {
  const network = await TestNetwork.create({
    pds: { hostname: 'localhost', enableDidDocWithSession: true, rateLimitsEnabled: true },
    bsky: { dbPostgresSchema: 'bsky' },
  })
  process.stdout.write(JSON.stringify({ pds: network.pds.url }) + '\n')
  process.stdin.on('end', () => process.exit(0))
  process.stdin.resume()
}

start().catch((error) => {
  console.error(error)
  process.exit(1)
})
