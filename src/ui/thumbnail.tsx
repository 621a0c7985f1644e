import { useEffect, useState } from 'react';
import { Icon } from './icon.tsx';
import type { Thumbnail } from './library/records.ts';

/** How a machine looked when it was last seen. */
export function ThumbnailView({ thumbnail }: { readonly thumbnail: Thumbnail | undefined }) {
  if (thumbnail === undefined) {
    return (
      <div className="thumbnail" data-kind="none" aria-hidden="true">
        <Icon name="screen" size={28} />
      </div>
    );
  }
  if (thumbnail.kind === 'text') {
    return (
      <div className="thumbnail" data-kind="text" aria-hidden="true">
        <pre>{thumbnail.lines.join('\n')}</pre>
      </div>
    );
  }
  return <ImageThumbnail image={thumbnail.image} />;
}

function ImageThumbnail({ image }: { readonly image: Blob }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(image);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [image]);
  return (
    <div className="thumbnail" data-kind="image" aria-hidden="true">
      {url !== undefined && <img src={url} alt="" />}
    </div>
  );
}
