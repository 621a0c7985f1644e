/** How large a picture is shown: as large as fits, by whole pixels, or one to one. */
export type Scaling = 'fit' | 'integer' | 'none';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** CSS pixels for a picture in a place; `density`: device pixels a CSS pixel. */
export function shownSize(picture: Size, place: Size, scaling: Scaling, density: number): Size {
  const fitting = Math.min(place.width / picture.width, place.height / picture.height);
  const factor =
    scaling === 'fit'
      ? fitting
      : scaling === 'none'
        ? 1 / density
        : Math.max(1, Math.floor(fitting * density)) / density;
  const at = (length: number): number => Math.max(1, Math.floor(length * factor * density) / density);
  return { width: at(picture.width), height: at(picture.height) };
}
