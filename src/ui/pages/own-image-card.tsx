import { useId } from 'react';
import { offerFiles } from '../dropping.ts';
import { Icon } from '../icon.tsx';

/** The place in the gallery for what the person brings. */
export function OwnImageCard() {
  const id = useId();
  return (
    <li className="card card-own" aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>Your image</h3>
      <p className="card-summary">
        A disk, a CD, a floppy, a Linux or multiboot kernel: drop it anywhere on this page. The file stays as it is;
        what the guest changes is kept beside it, in this browser.
      </p>
      <p className="card-advice">raw, qcow2, vmdk, vdi, vhd, ISO; .gz, .xz and .zip are unpacked.</p>
      <div className="card-foot">
        <label className="button" htmlFor={id}>
          <Icon name="import" /> Choose files…
        </label>
        <input
          id={id}
          type="file"
          multiple
          className="visually-hidden"
          onChange={({ target }) => {
            void offerFiles([...(target.files ?? [])]);
            target.value = ''; // so that the same file can be chosen again after it changed
          }}
        />
        <a className="button button-quiet" href="#/new">
          Empty machine…
        </a>
      </div>
    </li>
  );
}
