// Installed apps as Android's PackageManager lists them: packages.xml.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::artifact {

struct InstalledApp {
    std::string package; ///< "com.whatsapp"
    std::string path;    ///< of its code
    std::string version; ///< its code's number
    std::string installer;
    std::optional<std::int64_t> installed_ms;
    std::optional<std::int64_t> updated_ms;
};

struct PackageList {
    std::vector<InstalledApp> apps;
    std::string fingerprint; ///< of the build that last wrote it: "samsung/…:7.0/…"
    std::string sdk;
};

/// Errors: malformed (no XML); unsupported (Android's binary XML, since 12).  Spec: AOSP frameworks/base,
/// pm/Settings.java.
[[nodiscard]] Result<PackageList> parse_packages_xml(std::string_view xml);

} // namespace salvage::artifact
