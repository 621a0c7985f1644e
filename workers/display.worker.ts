/** The worker that draws a machine's screen; src/ui/screen/painter-client.ts is its other end. */
import { expose } from 'comlink';
import { createRemotePainter } from '../src/display/remote-painter.ts';

expose(createRemotePainter());
