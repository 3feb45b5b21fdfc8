// Compression in a simulation happens at once: on threads, when it is done would be chance. Import it before anything of
// src/packets, which takes the function when it is loaded.
import { syncBuiltinESMExports } from 'node:module';
import zlib, { deflateRawSync, type InputType, type ZlibOptions } from 'node:zlib';

type Done = (error: Error | null, deflated: Buffer) => void;

function deflateRaw(content: InputType, ...rest: [Done] | [ZlibOptions, Done]): void {
  const done = rest.at(-1) as Done;
  const options = rest.length === 2 ? rest[0] : {};
  process.nextTick(done, null, deflateRawSync(content, options));
}

Object.assign(zlib, { deflateRaw });
syncBuiltinESMExports();
