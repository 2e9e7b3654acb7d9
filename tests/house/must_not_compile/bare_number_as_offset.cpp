// expect: could not convert|no viable conversion|conversion from
#include "salvage/core/units.hpp"
salvage::ByteOffset at = 512U;
