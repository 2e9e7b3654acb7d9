// What nbdkit's command line says to the plugin: key=value, one at a time.
#pragma once

#include <string>
#include <string_view>

#include "salvage/core/result.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/open_volume.hpp"

namespace salvage::nbdkit {

struct Parameters {
    rescue::DumpRequest dump;
    std::string what{rescue::userdata_device}; ///< what the export without a name is
    rescue::SecretFiles secrets;
    std::vector<rescue::GivenSecret> given; ///< of secret=-, secret=-FD, secret=+FILE

    /// Takes one parameter.  Relative paths count from the folder of now: nbdkit changes it before it serves.
    /// Errors: invalid_argument (no such key, a value that means nothing), io (a secret that cannot be read).
    Result<> take(std::string_view key, const char* value);
};

/// For nbdkit's --help: a line a parameter.
extern const char* const parameters_help;

} // namespace salvage::nbdkit
