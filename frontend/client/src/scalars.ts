// The scalars of the API that are no plain text.

/** Longitude and latitude in degrees, CGCS2000. */
export type Position = [longitude: number, latitude: number];

/** An area on the map (RFC 7946): rings of positions, the first an outline, the others its holes. */
export type GeoJson =
  | { type: 'Polygon'; coordinates: Position[][] }
  | { type: 'MultiPolygon'; coordinates: Position[][][] };
