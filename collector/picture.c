/* The picture as bytes: one pixel, transparent. */

#include "collector/picture.h"

const struct str PICTURE = STR_LIT("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
                                   "!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01"
                                   "\x00\x00\x02\x02\x44\x01\x00;");
