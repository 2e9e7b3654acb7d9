// A shared library that may be absent, and the functions that we want of it.
#pragma once

#include <dlfcn.h>

#include <string>

namespace salvage::crypto::gpu {

/// Functions of a library, or why there are none.
template <typename Functions>
struct Loaded {
    Functions functions{};
    std::string why; ///< empty: all are there
};

/// A library opened for the life of the process: drivers start threads, and do not survive being unloaded.
class Library {
public:
    /// Empty when the library is absent; `why` then says so.  An empty name opens nothing.
    static Library open(const std::string& name)
    {
        Library library;
        if (name.empty()) {
            library.why_ = "not wanted";
            return library;
        }
        library.handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library.handle_ == nullptr) {
            // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps it for each thread.
            const char* const text = dlerror();
            library.why_ = text == nullptr ? "it cannot be loaded" : text;
        }
        return library;
    }

    /// Empty as long as the library is there and nothing was missing in it.
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

    /// Fills `function` with the library's function of that name; remembers the first that is missing.
    template <typename Function>
    void find(const char* name, Function*& function)
    {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what dlsym is for.
        function = handle_ == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(handle_, name));
        if (function == nullptr && why_.empty()) {
            why_ = std::string{"it has no "} + name;
        }
    }

private:
    void* handle_{nullptr};
    std::string why_;
};

} // namespace salvage::crypto::gpu
