// What a phone says it is: build.prop, stored properties, settings.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/bytes.hpp"

namespace salvage::artifact {

using Properties = std::vector<std::pair<std::string, std::string>>;

/// `name=value` lines; comments and all else are passed over.  Spec: AOSP system/core, init/property_service.cpp.
[[nodiscard]] Properties parse_build_prop(std::string_view text);

/// /data/property/persistent_properties of Android 9: protobuf, record 1 of {1: name, 2: value}.  What is cut gives
/// what stood before.  Spec: AOSP system/core, init/persistent_properties.proto.
[[nodiscard]] Properties parse_persistent_properties(ByteView bytes);

} // namespace salvage::artifact
